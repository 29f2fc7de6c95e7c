import { backoffMs } from '../kube/backoff.ts'
import { AppError, explainError } from '../lib/errors.ts'
import type { JobKind } from './job-kind.ts'

/** What becomes of a job whose run failed. `reason` is kept with the job, `code` counts in metrics. */
export type Verdict =
  | { readonly kind: 'retry'; readonly afterMs: number; readonly reason: string; readonly code: string }
  | { readonly kind: 'dead'; readonly reason: string; readonly code: string }

/** Whoever asks for patience (`retryAfterMs` of an error's details) gets at most a day of it. */
const longestPatienceMs = 24 * 3600_000
const maxReason = 1000

/** Errors whose code is never worth a retry end a job at once; all others have the attempts of the kind. `attempt`: 1 after the first run. */
export const verdictOf = (
  error: unknown,
  { kind, attempt }: { readonly kind: Pick<JobKind, 'attempts' | 'backoff'>; readonly attempt: number },
  random: () => number = Math.random,
): Verdict => {
  const reason = explainError(error).slice(0, maxReason)
  const code = error instanceof AppError ? error.code : 'UNKNOWN'
  if (error instanceof AppError && error.policy.retry === 'never') return { kind: 'dead', reason, code }
  if (attempt >= kind.attempts) return { kind: 'dead', reason, code }
  const asked = error instanceof AppError ? error.details['retryAfterMs'] : undefined
  const patience = typeof asked === 'number' && asked > 0 ? Math.min(asked, longestPatienceMs) : 0
  return { kind: 'retry', afterMs: Math.max(patience, Math.round(backoffMs(attempt, kind.backoff, random))), reason, code }
}
