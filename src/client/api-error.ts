import type { Problem } from './generated/schemas.ts'

/** What goes wrong before there is an answer, or with it. */
export type ClientCode = 'CONNECTION_LOST' | 'ANSWER_UNREADABLE' | 'INPUT_INVALID'

interface Failure {
  readonly code: Problem['code'] | ClientCode
  readonly detail: string
  readonly isSafeToRepeat: boolean
  readonly status?: number | undefined
  readonly errors?: Problem['errors']
  readonly requestId?: string | undefined
  readonly idempotencyKey?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** The one error of the client: a problem of the API, or why there is no answer. It never holds the API key. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** For programs: it never changes. */
  readonly code: Problem['code'] | ClientCode
  /** HTTP status; undefined: there was no answer. */
  readonly status: number | undefined
  /** Every wrong field. */
  readonly errors: NonNullable<Problem['errors']>
  /** Also in Berth's log. */
  readonly requestId: string | undefined
  /** Of the write that failed: with it, the same call can be asked again later and is done once. */
  readonly idempotencyKey: string | undefined
  /** True when the same call may be asked again without harm: with this Idempotency-Key if there is one. */
  readonly isSafeToRepeat: boolean
  /** Milliseconds that the API asked to wait. */
  readonly retryAfterMs: number | undefined

  constructor({ code, detail, isSafeToRepeat, status, errors = [], requestId, idempotencyKey, retryAfterMs, cause }: Failure) {
    super(detail, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = status
    this.errors = errors
    this.requestId = requestId
    this.idempotencyKey = idempotencyKey
    this.isSafeToRepeat = isSafeToRepeat
    this.retryAfterMs = retryAfterMs
  }
}

/** True for an error of the API or the client with one of the codes; without codes, for any. */
export const isApiError = (error: unknown, ...codes: readonly ApiError['code'][]): error is ApiError =>
  error instanceof ApiError && (codes.length === 0 || codes.includes(error.code))

const isFault = (value: unknown): value is ApiError['errors'][number] => {
  const { pointer, detail } = (value ?? {}) as { readonly pointer?: unknown; readonly detail?: unknown }
  return typeof pointer === 'string' && typeof detail === 'string'
}

/** A problem as the API sends it; undefined for another text, as a proxy before the API sends. */
export const readProblem = (text: string): Pick<Problem, 'code' | 'detail' | 'errors'> | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    const { code, detail, errors } = (value ?? {}) as Readonly<Record<string, unknown>>
    if (typeof code !== 'string' || typeof detail !== 'string') return undefined
    const known = Array.isArray(errors) ? errors.filter(isFault) : undefined
    // A newer API may have codes that this client does not know: they are passed on as they are.
    return { code: code as Problem['code'], detail, errors: known }
  } catch {
    return undefined
  }
}
