import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** An API key as its holder has it. */
export interface KeyText {
  /** Says which key it is; no secret. */
  readonly id: string
  readonly secret: string
}

const pattern = /^berth_([a-z0-9]{16})_([A-Za-z0-9_-]{43})$/

/** `berth_<id>_<secret>`: so that leaked ones are found by their looks. */
export const keyText = ({ id, secret }: KeyText): string => `berth_${id}_${secret}`

/** The parts of a key; undefined for what is none. */
export const parseKeyText = (text: string): KeyText | undefined => {
  const [, id, secret] = pattern.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** A new key: 256 random bits, and an id of 80. */
export const newKey = (): KeyText => ({
  id: [...randomBytes(16)].map((byte) => (byte % 32).toString(32)).join(''),
  secret: randomBytes(32).toString('base64url'),
})

/** What is stored of a secret: SHA-256 in hex. It needs no salt and no slow hash, as nobody guesses 256 random bits. */
export const secretDigest = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** True when the digest is that of the secret; takes as long for a wrong one as for a right one. */
export const fitsDigest = (secret: string, digest: string): boolean => {
  const [given, stored] = [Buffer.from(secretDigest(secret)), Buffer.from(digest)]
  return given.length === stored.length && timingSafeEqual(given, stored)
}
