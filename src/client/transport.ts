import { ApiError, readProblem } from './api-error.ts'
import type { Answer, ApiRequest, Call, CallOptions } from './call.ts'
import { pause } from './pause.ts'
import { isRepeatable, readRetryAfter, retryPauseMs } from './retry.ts'

/** Where the API is and how it is asked. */
export interface ClientOptions {
  /** As `https://berth.example.com`. */
  readonly url: string
  /** `berth_...`. */
  readonly key: string
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch
  /** Milliseconds for one try; default 35 s, a little more than the API takes for itself. */
  readonly timeoutMs?: number
  /** Tries after the first; default 4. */
  readonly retries?: number
  /** Longest wait between two tries, in milliseconds; default 30 s. */
  readonly longestWaitMs?: number
  /** Told of each try that is not the last. */
  readonly onRetry?: (retry: { readonly reason: string; readonly pauseMs: number; readonly tries: number }) => void
}

const invalid = (detail: string): ApiError => new ApiError({ code: 'INPUT_INVALID', detail, isSafeToRepeat: false })

/** The address without what a path is put behind. Throws INPUT_INVALID. */
const baseOf = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol))
    throw invalid('the URL of the API is to begin with https:// or http://')
  // It would be told in errors.
  if (parsed.username !== '' || parsed.password !== '' || parsed.search !== '' || parsed.hash !== '')
    throw invalid('the URL of the API is to be an address and a path, without a user, a query or a fragment')
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}`
}

const queryText = (query: ApiRequest['query'] = {}): string => {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each): [string, string] => [name, String(each)]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`
}

const bodyOf = async (response: Response): Promise<unknown> => {
  const type = response.headers.get('content-type') ?? ''
  if (type.startsWith('text/event-stream')) return response.body
  const text = await response.text()
  if (text === '') return undefined
  if (!/[/+]json\b/.test(type)) return text
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiError({ code: 'ANSWER_UNREADABLE', detail: 'the answer is no JSON', isSafeToRepeat: true, cause })
  }
}

interface Sent {
  readonly address: string
  readonly what: string
  readonly init: RequestInit
  readonly isSafeToRepeat: boolean
  readonly idempotencyKey: string | undefined
}

const errorOf = async (response: Response, { what, isSafeToRepeat, idempotencyKey }: Sent): Promise<ApiError> => {
  const { status, headers } = response
  const problem = readProblem(await response.text())
  return new ApiError({
    code: problem?.code ?? 'ANSWER_UNREADABLE',
    // A proxy may have answered: what it says is not the API's word.
    detail: problem
      ? problem.detail
      : `${what} was answered by ${status} without a problem of Berth: is the URL that of its API?`,
    status,
    errors: problem?.errors,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfterMs: readRetryAfter(headers.get('retry-after'), Date.now()),
    isSafeToRepeat: isSafeToRepeat || status === 429,
    idempotencyKey,
  })
}

const answerOf = async <T>(response: Response): Promise<Answer<T>> => {
  const { status, headers } = response
  return {
    status,
    // The document says what it is; it is not looked at again here.
    body: (await bodyOf(response)) as T,
    etag: headers.get('etag') ?? undefined,
    location: headers.get('location') ?? undefined,
    requestId: headers.get('x-request-id') ?? '',
    isReplayed: headers.get('idempotent-replayed') === 'true',
  }
}

/** Why a connection was lost, from the innermost cause on. */
const reasonOf = (error: unknown): string => {
  let text = 'no answer'
  for (let current = error, depth = 0; current instanceof Error && depth < 5; current = current.cause, depth += 1) {
    const { code } = current as { readonly code?: unknown }
    text = typeof code === 'string' ? code : current.message || text
  }
  return text
}

/** Asks the API at an address with a key, again where that is safe. Throws INPUT_INVALID for an address or a key that is none, without saying the key. */
export const createCall = (options: ClientOptions): Call => {
  const base = baseOf(options.url)
  if (!/^[\x21-\x7e]{1,200}$/.test(options.key)) throw invalid('the API key is none: it begins with berth_')
  const { timeoutMs = 35_000, retries = 4, longestWaitMs = 30_000, onRetry, fetch: ask = fetch } = options

  const prepare = (request: ApiRequest, { idempotencyKey }: CallOptions): Sent => {
    // Made once: each try is the same write to the API.
    const key = request.takesKey ? (idempotencyKey ?? crypto.randomUUID()) : undefined
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    const headers = {
      ...request.headers,
      authorization: `Bearer ${options.key}`,
      accept: [...request.accepts, 'application/problem+json'].join(', '),
      'content-type': body === undefined ? undefined : (request.sends ?? 'application/json'),
      'idempotency-key': key,
    }
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const what = `${request.method} ${request.path}`
    if (given.some(([name, value]) => name !== 'authorization' && !/^[\x20-\x7e]*$/.test(value)))
      throw invalid(`${what}: a header can hold visible ASCII characters only`)
    return {
      address: `${base}${request.path}${queryText(request.query)}`,
      what,
      // A key is not for where a redirect leads.
      init: { method: request.method, headers: given, redirect: 'error', ...(body !== undefined && { body }) },
      isSafeToRepeat: isRepeatable(request),
      idempotencyKey: key,
    }
  }

  /** One try. */
  const tryOnce = async <T>(sent: Sent, { signal, timeoutMs: own }: CallOptions): Promise<Answer<T> | ApiError> => {
    const { what, isSafeToRepeat, idempotencyKey } = sent
    const late = new AbortController()
    const limit = own ?? timeoutMs
    const timer = setTimeout(() => late.abort(), limit)
    try {
      const response = await ask(sent.address, {
        ...sent.init,
        signal: AbortSignal.any([late.signal, ...(signal ? [signal] : [])]),
      })
      return response.ok ? await answerOf<T>(response) : await errorOf(response, sent)
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      if (cause instanceof ApiError) return cause
      const why = late.signal.aborted ? `no answer in ${limit / 1000} s` : reasonOf(cause)
      const detail = `${what}: the API at ${base} cannot be reached, or the connection was lost: ${why}`
      return new ApiError({ code: 'CONNECTION_LOST', detail, isSafeToRepeat, idempotencyKey, cause })
    } finally {
      clearTimeout(timer)
    }
  }

  return async <T>(request: ApiRequest, callOptions: CallOptions = {}): Promise<Answer<T>> => {
    const sent = prepare(request, callOptions)
    for (let tries = 1; ; tries += 1) {
      callOptions.signal?.throwIfAborted()
      const result = await tryOnce<T>(sent, callOptions)
      if (!(result instanceof ApiError)) return result
      const { status, retryAfterMs, code } = result
      const outcome =
        code === 'CONNECTION_LOST' || status === undefined
          ? ({ kind: 'lost' } as const)
          : ({ kind: 'answered', status, retryAfterMs } as const)
      const state = { tries, isRepeatable: sent.isSafeToRepeat, chance: Math.random() }
      const pauseMs = retryPauseMs(outcome, state, { retries, longestWaitMs })
      if (pauseMs === undefined) throw result
      onRetry?.({ reason: result.message, pauseMs, tries })
      await pause(pauseMs, callOptions.signal)
    }
  }
}
