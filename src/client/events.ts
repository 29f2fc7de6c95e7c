import { ApiError, isApiError } from './api-error.ts'
import { eventReader, type ServerSentEvent } from './event-text.ts'
import type { Operations } from './generated/operations.ts'
import type { Tenant } from './generated/schemas.ts'
import { pause } from './pause.ts'

/** What happened in an organisation. `id` is for `lastEventId`. */
export type TenantEvent =
  /** The stream has begun, and nothing was missed since `lastEventId`. */
  | { readonly kind: 'start'; readonly id: string }
  /** What happened since `lastEventId` is not known any more: list the tenants. */
  | { readonly kind: 'reset'; readonly id: string }
  | { readonly kind: 'tenant.changed' | 'tenant.ready' | 'tenant.deleted'; readonly id: string; readonly tenant: Tenant }

export interface EventsInput {
  /** Name of the organisation. */
  readonly org: string
  /** `id` of the event that was seen last; unset: from now on. */
  readonly lastEventId?: string | undefined
}

export interface EventsOptions {
  /** Ends the stream without an error. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds without a connection after which it gives up; default 10 minutes. */
  readonly giveUpAfterMs?: number | undefined
  /** Milliseconds without a word, also a heartbeat, after which it connects anew; default 45 s: three heartbeats. */
  readonly silentMs?: number | undefined
}

/** Of a server that has not said one. */
const usualPauseMs = 2000
const longestPauseMs = 30_000

const eventOf = ({ id = '', event, data }: ServerSentEvent): TenantEvent | undefined => {
  switch (event) {
    case 'start':
    case 'reset':
      return { kind: event, id }
    case 'tenant.changed':
    case 'tenant.ready':
    case 'tenant.deleted':
      return { kind: event, id, tenant: JSON.parse(data) as Tenant }
    default:
      // Of a newer API.
      return undefined
  }
}

/** True for what will not pass by itself. */
const isFinal = (error: unknown): boolean =>
  isApiError(error) && error.status !== undefined && error.status < 500 && error.status !== 429

/** Aborts when nothing was heard for a while, or with the caller's signal. */
const listening = (silentMs: number, signal: AbortSignal | undefined) => {
  const silent = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const heard = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => silent.abort(new Error(`nothing was heard for ${silentMs / 1000} s`)), silentMs)
  }
  heard()
  return {
    signal: signal ? AbortSignal.any([silent.signal, signal]) : silent.signal,
    heard,
    end: (): void => clearTimeout(timer),
  }
}

/** Chunks of a stream until it ends or the signal aborts, which cancels it. */
async function* chunksOf(stream: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  const cancel = (): void => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  try {
    for (;;) {
      signal.throwIfAborted()
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) return
      yield value
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

/**
 * Events of an organisation, for as long as they are read. A stream that is cut goes on after the event that was seen last, so none is missed or told twice
 * unless `reset` says so. Ends when the signal aborts. Throws ApiError for what will not pass by itself, as a key that has ended, and CONNECTION_LOST.
 */
export async function* tenantEvents(
  { org, lastEventId }: EventsInput,
  { signal, giveUpAfterMs = 10 * 60_000, silentMs = 45_000 }: EventsOptions,
  streamEvents: Operations['streamEvents'],
): AsyncGenerator<TenantEvent, void> {
  let last = lastEventId
  let pauseMs = usualPauseMs
  let failures = 0
  let lostAt: number | undefined
  while (!signal?.aborted) {
    const ear = listening(silentMs, signal)
    try {
      const { body } = await streamEvents({ org, lastEventId: last }, { signal: ear.signal, timeoutMs: silentMs })
      const read = eventReader()
      const decoder = new TextDecoder()
      for await (const chunk of chunksOf(body, ear.signal)) {
        ear.heard()
        const { events, retryMs } = read(decoder.decode(chunk, { stream: true }))
        pauseMs = retryMs ?? pauseMs
        for (const each of events) {
          failures = 0
          lostAt = undefined
          last = each.id ?? last
          const event = eventOf(each)
          // Who reads slowly is not a silent server.
          ear.end()
          if (event) yield event
          ear.heard()
        }
      }
    } catch (error) {
      if (signal?.aborted) return
      if (isFinal(error)) throw error
      lostAt ??= Date.now()
      if (Date.now() - lostAt > giveUpAfterMs) {
        if (isApiError(error)) throw error
        throw new ApiError({ code: 'CONNECTION_LOST', detail: 'the event stream was lost', isSafeToRepeat: true, cause: error })
      }
    } finally {
      ear.end()
    }
    failures += 1
    const wait = Math.min(longestPauseMs, pauseMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2)
    await pause(wait, signal).catch(() => {})
  }
}
