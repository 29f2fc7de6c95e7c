import { describe, expect, test } from 'vitest'
import { sign, type VerifyInput, verifySignature } from './signature.ts'

const at = 1_790_000_000
const body = '{"id":"e1"}'
const inputOf = (wanted: Partial<VerifyInput> = {}): VerifyInput => ({
  header: sign(body, at, ['first']),
  body,
  secrets: ['first'],
  nowSeconds: at,
  ...wanted,
})
const valid = { kind: 'valid', atSeconds: at }
const invalid = (reason: string) => ({ kind: 'invalid', reason })

describe('verifySignature', () => {
  test('knows the signature of RFC 2104 over time and body', () => {
    // printf '1.{}' | openssl dgst -sha256 -hmac secret
    expect(sign('{}', 1, ['secret'])).toBe('t=1,v1=1122767b193110cfec322b6f199b599edbf608ed087f2d27afb0b97d99523908')
  })

  test.for<[name: string, input: Partial<VerifyInput>, wanted: unknown]>([
    ['takes what was signed', {}, valid],
    ['takes bytes for text', { body: Buffer.from(body) }, valid],
    ['takes the old secret while both sign', { header: sign(body, at, ['new', 'first']) }, valid],
    ['takes any secret that the receiver knows', { secrets: ['other', 'first'] }, valid],
    ['takes one that is nearly too old', { nowSeconds: at + 300 }, valid],
    ['passes over schemes it does not know', { header: `${sign(body, at, ['first'])},v2=abc` }, valid],
    ['refuses another body', { body: '{"id":"e2"}' }, invalid('no secret fits')],
    ['refuses another secret', { secrets: ['other'] }, invalid('no secret fits')],
    ['refuses another time', { header: sign(body, at, ['first']).replace(`t=${at}`, `t=${at + 1}`) }, invalid('no secret fits')],
    ['refuses when it knows no secret', { secrets: [] }, invalid('no secret fits')],
    ['refuses one that is too old', { nowSeconds: at + 301 }, invalid('too old or too new')],
    ['refuses one from the future', { nowSeconds: at - 301 }, invalid('too old or too new')],
    ['refuses one that is missing', { header: undefined }, invalid('no signature')],
    ['refuses an empty one', { header: '' }, invalid('no signature')],
    ['refuses one without a time', { header: 'v1='.padEnd(67, 'a') }, invalid('malformed')],
    ['refuses one with two times', { header: `t=1,${sign(body, at, ['first'])}` }, invalid('malformed')],
    ['refuses one of another length', { header: `t=${at},v1=abcd` }, invalid('malformed')],
    ['refuses a flood of them', { header: `t=${at}${`,v1=${'a'.repeat(64)}`.repeat(50)}` }, invalid('malformed')],
  ])('%s', ([, input, wanted]) => {
    expect(verifySignature(inputOf(input))).toEqual(wanted)
  })
})
