import { ApiError } from './api-error.ts'

/** What an answer is to its caller. */
export interface Answer<T> {
  readonly status: number
  readonly body: T
  /** The state that was answered, for `ifMatch`. */
  readonly etag: string | undefined
  /** Path of what was made, or of the operation. */
  readonly location: string | undefined
  /** Also in Berth's log. */
  readonly requestId: string
  /** True for the answer of an earlier request with the same Idempotency-Key. */
  readonly isReplayed: boolean
}

/** What one call may be given, whatever it asks. */
export interface CallOptions {
  /** Ends the call, also between two tries. It then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Of a write; unset: a new one for each call, which its tries share. */
  readonly idempotencyKey?: string | undefined
  /** Milliseconds for one try; unset: those of the client. */
  readonly timeoutMs?: number | undefined
}

export type QueryValue = string | number | boolean | readonly string[] | undefined

/** One request, without what all requests have. */
export interface ApiRequest {
  readonly method: string
  /** With its names filled in. */
  readonly path: string
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  /** Media type of the body. */
  readonly sends?: string
  readonly accepts: readonly string[]
  /** The API keeps its answer by Idempotency-Key: asked again, nothing is done twice. */
  readonly takesKey: boolean
}

/** Asks the API. Throws ApiError. */
export type Call = <T>(request: ApiRequest, options?: CallOptions) => Promise<Answer<T>>

/** A name as part of a path. Throws INPUT_INVALID for what a URL has another meaning for. */
export const segment = (name: string): string => {
  if (name !== '' && name !== '.' && name !== '..') return encodeURIComponent(name)
  throw new ApiError({ code: 'INPUT_INVALID', detail: `${JSON.stringify(name)} cannot be a name`, isSafeToRepeat: false })
}
