import type { KeyPair } from './issue.ts'

/** Decoded data of a Secret: key to text. */
export type SecretData = Readonly<Record<string, string>>

/** The keys of a Secret of roots, by what becomes of them in a rotation. At rest only `issuing` is there. */
export interface Generations {
  /** Of `issuing`, from 1 on. */
  readonly generation: number
  readonly issuing: KeyPair
  /** Trusted, and issues nothing yet. */
  readonly next?: KeyPair
  /** Trusted still, and issues nothing any more. */
  readonly old?: KeyPair
  /** Since when all that can be seen trusts `next`. */
  readonly trustedSince?: Date
  /** Since when `issuing` issues, while `old` is there: nothing that `old` signed is younger. Keys of tokens are read at starts: theirs is noted after the roll. */
  readonly issuingSince?: Date
  /** Since when the API server is to show a certificate of `issuing`, and not of `old`. */
  readonly servingSince?: Date
  /** What the pods of the tenant were marked with before its first rotation: those that a rotation does not touch keep it. */
  readonly baseHash?: string
}

/** How a Secret names its keys. `cert` of a pair is what others check with: a certificate, or a public key. */
interface KeyNames {
  readonly issuing: readonly [cert: string, key: string]
  /** Ending of the public part: `next.<ending>`. */
  readonly ending: string
}
export const authorityNames: KeyNames = { issuing: ['tls.crt', 'tls.key'], ending: 'crt' }
export const tokenKeyNames: KeyNames = { issuing: ['sa.pub', 'sa.key'], ending: 'pub' }

const generationKey = 'generation'
const trustedKey = 'trusted-since'
const issuingKey = 'issuing-since'
const servingKey = 'serving-since'
const baseHashKey = 'base-hash'

const namesOf = (which: 'next' | 'old', { ending }: KeyNames) => [`${which}.${ending}`, `${which}.key`] as const

const pairOf = (data: SecretData, [cert, key]: readonly [string, string]): KeyPair | undefined => {
  const [certText, keyText] = [data[cert], data[key]]
  return certText && keyText ? { cert: certText, key: keyText } : undefined
}

const dateOf = (text: string | undefined): Date | undefined => {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** Reads a Secret; undefined when the keys that issue are not whole. A Secret of before there were rotations is of the first generation. */
export const generationsOf = (data: SecretData, names: KeyNames): Generations | undefined => {
  const issuing = pairOf(data, names.issuing)
  if (!issuing) return undefined
  const generation = Number(data[generationKey] ?? 1)
  const [next, old] = [pairOf(data, namesOf('next', names)), pairOf(data, namesOf('old', names))]
  const [trustedSince, issuingSince, servingSince] = [trustedKey, issuingKey, servingKey].map((key) => dateOf(data[key]))
  const baseHash = data[baseHashKey]
  return {
    generation: Number.isSafeInteger(generation) && generation > 0 ? generation : 1,
    issuing,
    ...(next && { next }),
    ...(old && { old }),
    ...(trustedSince && { trustedSince }),
    ...(issuingSince && { issuingSince }),
    ...(servingSince && { servingSince }),
    ...(baseHash !== undefined && { baseHash }),
  }
}

const without = (data: SecretData, ...keys: readonly string[]): SecretData =>
  Object.fromEntries(Object.entries(data).filter(([key]) => !keys.includes(key)))

/** The first keys of a tenant, which may be of a later generation than the first. */
export const firstKeys = ({ cert, key }: KeyPair, { issuing }: KeyNames, generation: number): SecretData => ({
  [issuing[0]]: cert,
  [issuing[1]]: key,
  ...(generation > 1 && { [generationKey]: String(generation) }),
})

/** A Secret with new keys that are to be trusted beside those that issue. */
export const withNext = (data: SecretData, { cert, key }: KeyPair, names: KeyNames, baseHash: string): SecretData => {
  const [certName, keyName] = namesOf('next', names)
  return { [baseHashKey]: baseHash, ...data, [certName]: cert, [keyName]: key }
}

/** A Secret that says since when its new keys are trusted. */
export const withTrustedSince = (data: SecretData, now: Date): SecretData => ({ ...data, [trustedKey]: now.toISOString() })

/** A Secret that says since when the API server is to show its new certificate. */
export const withServingSince = (data: SecretData, now: Date): SecretData => ({ ...data, [servingKey]: now.toISOString() })

/** A Secret that says since when its new keys issue. */
export const withIssuingSince = (data: SecretData, now: Date): SecretData => ({ ...data, [issuingKey]: now.toISOString() })

/** A Secret whose new keys are the ones that issue. Those before are kept, both parts of them. */
export const withNextIssuing = (data: SecretData, names: KeyNames): SecretData => {
  const read = generationsOf(data, names)
  if (!read?.next) return data
  const [nextCert, nextKey] = namesOf('next', names)
  const [oldCert, oldKey] = namesOf('old', names)
  return {
    ...without(data, nextCert, nextKey, trustedKey, issuingKey),
    [oldCert]: read.issuing.cert,
    [oldKey]: read.issuing.key,
    [names.issuing[0]]: read.next.cert,
    [names.issuing[1]]: read.next.key,
    [generationKey]: String(read.generation + 1),
  }
}

/** A Secret without the keys of the generation before. */
export const withoutOld = (data: SecretData, names: KeyNames): SecretData =>
  without(data, ...namesOf('old', names), issuingKey, servingKey)

/** Public parts of all keys that are trusted, the older first: the same text before and after the new ones begin to issue. */
export const trustOf = (keys: Generations): string => {
  const { issuing, next, old } = keys
  if (!isUnderWay(keys)) return issuing.cert
  const certs = [old, issuing, next].flatMap((pair) => (pair ? [pair.cert.trimEnd()] : []))
  return `${certs.join('\n')}\n`
}

/** True while keys of two generations are there. */
export const isUnderWay = ({ next, old }: Generations): boolean => next !== undefined || old !== undefined

/** True for keys of the first generation that no rotation has touched. */
export const isUntouched = (keys: Generations): boolean => keys.generation === 1 && !isUnderWay(keys)
