import { describe, expect, test } from 'vitest'
import { judgeAnswer, retryAfterMs } from './answer.ts'

const now = new Date('2026-11-22T12:00:00Z')

describe('judgeAnswer', () => {
  test.for<[status: number, wanted: string]>([
    [200, 'delivered'],
    [204, 'delivered'],
    [299, 'delivered'],
    [410, 'gone'],
    [101, 'failed'],
    [301, 'failed'],
    [307, 'failed'],
    [400, 'failed'],
    [404, 'failed'],
    [429, 'failed'],
    [500, 'failed'],
  ])('%i: %s', ([status, wanted]) => {
    expect(judgeAnswer({ status, retryAfter: undefined }, 'example.com', now).kind).toBe(wanted)
  })

  test('says how long the receiver wants to be left alone', () => {
    expect(judgeAnswer({ status: 503, retryAfter: '120' }, 'example.com', now)).toMatchObject({
      error: { code: 'WEBHOOK_FAILED', message: 'example.com answered 503', details: { retryAfterMs: 120_000 } },
    })
  })
})

describe('retryAfterMs', () => {
  test.for<[header: string | undefined, wanted: number | undefined]>([
    [undefined, undefined],
    ['0', 0],
    [' 30 ', 30_000],
    ['Sun, 22 Nov 2026 12:01:00 GMT', 60_000],
    ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['1e9', undefined],
    ['99999999999999', undefined],
    ['', undefined],
  ])('%s', ([header, wanted]) => {
    expect(retryAfterMs(header, now)).toBe(wanted)
  })
})
