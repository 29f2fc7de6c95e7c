import { createHmac, timingSafeEqual } from 'node:crypto'

/** Header of a delivery: `t=<seconds>,v1=<hex>`, with one v1 for each secret that is in force. */
export const signatureHeader = 'Berth-Signature'
export const eventIdHeader = 'Berth-Event-Id'
/** A signature is refused when its time is so far from now, seconds: a recorded delivery is of no use later. */
export const defaultToleranceSeconds = 300

const hmac = (body: string | Buffer, atSeconds: number, secret: string): string =>
  createHmac('sha256', secret).update(`${atSeconds}.`).update(body).digest('hex')

/** The header's value for a body. While a secret is being changed, both sign. */
export const sign = (body: string | Buffer, atSeconds: number, secrets: readonly string[]): string =>
  [`t=${atSeconds}`, ...secrets.map((secret) => `v1=${hmac(body, atSeconds, secret)}`)].join(',')

export interface VerifyInput {
  /** Of the header; undefined when there was none. */
  readonly header: string | undefined
  /** As it was received, byte for byte: parsed and written again it is another one. */
  readonly body: string | Buffer
  /** Those the receiver knows. */
  readonly secrets: readonly string[]
  readonly nowSeconds: number
  readonly toleranceSeconds?: number
}

export type Verified =
  | { readonly kind: 'valid'; readonly atSeconds: number }
  | { readonly kind: 'invalid'; readonly reason: 'no signature' | 'malformed' | 'too old or too new' | 'no secret fits' }

const timePattern = /^t=(\d{1,12})$/
const signaturePattern = /^v1=([0-9a-f]{64})$/
const mostParts = 10

/** For receivers: whether a delivery is from who knows one of the secrets, and recent. Takes the same time for wrong signatures of any kind. */
export const verifySignature = (input: VerifyInput): Verified => {
  const { header, body, secrets, nowSeconds, toleranceSeconds = defaultToleranceSeconds } = input
  if (!header) return { kind: 'invalid', reason: 'no signature' }
  const parts = header.split(',', mostParts + 1)
  const times = parts.flatMap((part) => timePattern.exec(part)?.[1] ?? [])
  const given = parts.flatMap((part) => signaturePattern.exec(part)?.[1] ?? [])
  const [time] = times
  if (time === undefined || times.length > 1 || given.length === 0 || parts.length > mostParts)
    return { kind: 'invalid', reason: 'malformed' }
  const atSeconds = Number(time)
  if (Math.abs(nowSeconds - atSeconds) > toleranceSeconds) return { kind: 'invalid', reason: 'too old or too new' }
  const wanted = secrets.map((secret) => Buffer.from(hmac(body, atSeconds, secret), 'hex'))
  // All are compared, so that the time tells nothing.
  const fits = given.map((hex) => wanted.map((each) => timingSafeEqual(each, Buffer.from(hex, 'hex'))).includes(true))
  return fits.includes(true) ? { kind: 'valid', atSeconds } : { kind: 'invalid', reason: 'no secret fits' }
}
