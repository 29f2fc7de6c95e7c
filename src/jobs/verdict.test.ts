import { describe, expect, test } from 'vitest'
import { AppError } from '../lib/errors.ts'
import { type Verdict, verdictOf } from './verdict.ts'

const kind = { attempts: 4, backoff: { firstMs: 1000, capMs: 3000 } }
const failed = (details = {}) => new AppError('WEBHOOK_FAILED', 'it failed', details)

describe('verdictOf', () => {
  test.for<[name: string, error: unknown, attempt: number, wanted: Partial<Verdict>]>([
    ['tries again after the first pause', failed(), 1, { kind: 'retry', afterMs: 1000, code: 'WEBHOOK_FAILED' }],
    ['doubles the pause', failed(), 2, { kind: 'retry', afterMs: 2000 }],
    ['has a longest pause', failed(), 3, { kind: 'retry', afterMs: 3000 }],
    ['gives up after the last attempt', failed(), 4, { kind: 'dead', reason: 'it failed' }],
    [
      'gives up at once what is never worth a retry',
      new AppError('SPEC_INVALID', 'bad'),
      1,
      { kind: 'dead', code: 'SPEC_INVALID' },
    ],
    ['waits as long as it was asked to', failed({ retryAfterMs: 60_000 }), 1, { kind: 'retry', afterMs: 60_000 }],
    ['waits no shorter than its own pause', failed({ retryAfterMs: 10 }), 1, { kind: 'retry', afterMs: 1000 }],
    ['waits no longer than a day', failed({ retryAfterMs: 1e12 }), 1, { kind: 'retry', afterMs: 86_400_000 }],
    ['minds no patience that is no number', failed({ retryAfterMs: 'soon' }), 1, { kind: 'retry', afterMs: 1000 }],
    ['retries what nobody knows', new TypeError('x is undefined'), 1, { kind: 'retry', code: 'UNKNOWN' }],
  ])('%s', ([, error, attempt, wanted]) => {
    expect(verdictOf(error, { kind, attempt }, () => 1)).toMatchObject(wanted)
  })

  test('spreads pauses by chance between half and all', () => {
    expect(verdictOf(failed(), { kind, attempt: 1 }, () => 0)).toMatchObject({ afterMs: 500 })
  })

  test('keeps a reason of bounded length', () => {
    const { reason } = verdictOf(new Error('x'.repeat(5000)), { kind, attempt: 1 })
    expect(reason).toHaveLength(1000)
  })
})
