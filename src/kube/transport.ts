import { buildConnector, Pool } from 'undici'
import { AppError } from '../lib/errors.ts'
import type { Span, Tracing } from '../lib/tracing.ts'
import { errorOfTransport, isConnectionReset } from './answers.ts'
import type { KubeConnection } from './client.ts'
import { errorOfDeadline, startDeadline } from './deadline.ts'
import { type Answer, createHintCount, exchange } from './exchange.ts'
import type { Hold } from './held-bytes.ts'
import type { JsonScan } from './json-scan.ts'
import type { Pace } from './pace.ts'
import { createSocketGuard } from './socket-guard.ts'
import { createWatchConnections, type WatchConnection } from './watch-connections.ts'

export interface TransportOptions {
  /** For example `berth-syncer/0.1.0`: audit logs and API priority tell processes apart by it. */
  readonly userAgent: string
  /** HTTP/1.1 connections for everything but watches. Default 32. */
  readonly connections?: number
  /** Deadline of a call that names none. Default 10 s. */
  readonly timeoutMs?: number
  /** A watch without a byte for this long is dead unless its connection answers a ping. Default 70 s: most send a bookmark once a minute. */
  readonly watchIdleMs?: number
  /** Largest answer that is read into memory; a call may want less. Default 256 MiB: a list of 40,000 pods. */
  readonly maxAnswerBytes?: number
  /** Calls that belong to a span are spans of their own, and say so to the API server. */
  readonly tracing?: Tracing | undefined
  /** Is told what comes in, and keeps the rest of large answers waiting. A server that sends what is no answer loses its connections. */
  readonly pace?: Pace | undefined
  /** Bounds what all answers together hold before they are read. */
  readonly unread?: (() => Hold) | undefined
}

export interface TransportCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs?: number
  readonly maxAnswerBytes?: number
  readonly signal?: AbortSignal
  /** Makes the look at one answer. */
  readonly scan?: (() => JsonScan) | undefined
}

export interface StreamCall {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** Bytes of a watch, or the whole failed answer. */
export type Stream =
  | { readonly kind: 'open'; readonly chunks: AsyncIterable<Buffer> }
  | { readonly kind: 'refused'; readonly answer: Answer }

/** The connections to one API server. */
export interface Transport {
  call(call: TransportCall): Promise<Answer>
  open(call: StreamCall): Promise<Stream>
  close(): Promise<void>
}

/** Bytes of a refused watch's body that are read for its message. */
const maxRefusalBytes = 64 * 1024

/** Opens nothing yet: connections are made by the first call. */
export const createTransport = (connection: KubeConnection, options: TransportOptions): Transport => {
  const {
    userAgent,
    connections = 32,
    timeoutMs = 10_000,
    watchIdleMs = 70_000,
    maxAnswerBytes = 256 * 1024 * 1024,
    tracing,
    pace,
    unread,
  } = options
  const url = new URL(connection.server)
  const base = url.pathname.replace(/\/+$/, '')
  const server = url.origin
  const tls = {
    ...(connection.ca !== undefined && { ca: connection.ca }),
    ...(connection.clientCert !== undefined && { cert: connection.clientCert }),
    ...(connection.clientKey !== undefined && { key: connection.clientKey }),
    ...(connection.tlsServerName !== undefined && { servername: connection.tlsServerName }),
  }
  const guard = pace && createSocketGuard(pace)
  const guarded =
    (connect: buildConnector.connector): buildConnector.connector =>
    (target, callback) =>
      connect(target, (...result) => {
        if (result[1]) guard?.watch(result[1])
        callback(...result)
      })
  const calls = new Pool(server, {
    connections,
    connect: guarded(buildConnector({ ...tls, allowH2: false, timeout: timeoutMs })),
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: 45_000, // API servers close idle connections after 90 s: be first, or a write meets a closed one
    keepAliveMaxTimeout: 45_000,
    headersTimeout: 0, // every call has a deadline of its own, for all of it
    bodyTimeout: 0,
  })
  const headersFor = async (headers: Readonly<Record<string, string>>): Promise<Record<string, string>> =>
    connection.token ? { ...headers, authorization: `Bearer ${await connection.token()}` } : { ...headers }

  const call: Transport['call'] = (asked) => {
    if (!tracing?.isKept) return callWithin(asked)
    const { hostname, port } = url
    const attributes = {
      'http.request.method': asked.method,
      'url.path': asked.path.split('?', 1)[0],
      'server.address': hostname,
      'server.port': Number(port || 443),
    }
    return tracing.run(`kube ${asked.method}`, { kind: 'client', attributes }, (span) => callWithin(asked, span))
  }

  const callWithin = async (
    { method, path, headers, body, signal, scan, ...limits }: TransportCall,
    span?: Span,
  ): Promise<Answer> => {
    const name = `${method} ${path.split('?', 1)[0]}`
    const ms = limits.timeoutMs ?? timeoutMs
    const deadline = startDeadline(ms, signal)
    // A DELETE carries its preconditions in a body; undici would close the connection after each, and every TLS handshake costs a few milliseconds.
    const reset = false
    const traceparent = span && tracing?.traceparent()
    const maxBytes = Math.min(limits.maxAnswerBytes ?? maxAnswerBytes, maxAnswerBytes)
    const attempt = (sent: Parameters<typeof exchange>[1]) =>
      exchange(calls, sent, { signal: deadline.signal, maxBytes, scan: scan?.(), unread: unread?.(), pace })
    try {
      const sentHeaders = await headersFor({ ...headers, ...(traceparent !== undefined && { traceparent }) })
      const sent = { method, path: base + path, headers: sentHeaders, reset, ...(body !== undefined && { body }) }
      const answer = await attempt(sent).catch((error: unknown) => {
        if (method !== 'GET' || deadline.ended() || !isConnectionReset(error)) throw error
        return attempt(sent)
      })
      span?.set({ 'http.response.status_code': answer.status })
      return answer
    } catch (error) {
      throw deadline.ended() ? errorOfDeadline(deadline, signal, server, name, ms) : errorOfTransport(server, name, error)
    } finally {
      deadline.done()
    }
  }

  const watches = createWatchConnections({
    server,
    tls,
    timeoutMs,
    guarded,
    ping: async (client, signal) => {
      pace?.called()
      const headers = await headersFor({ 'user-agent': userAgent })
      await exchange(client, { method: 'GET', path: `${base}/livez`, headers }, { signal, maxBytes: maxRefusalBytes })
    },
  })

  const open: Transport['open'] = async ({ path, headers, signal }) => {
    const name = `watch ${path.split('?', 1)[0]}`
    const held = watches.acquire()
    const deadline = startDeadline(timeoutMs, signal)
    const stop = new AbortController()
    const onEnd = () => stop.abort(deadline.signal.reason)
    const countHint = createHintCount(name)
    const onInfo = () => {
      try {
        countHint()
      } catch (error) {
        stop.abort(error)
      }
    }
    deadline.signal.addEventListener('abort', onEnd, { once: true })
    let handedOn = false
    try {
      const sent = { method: 'GET' as const, path: base + path, headers: await headersFor(headers), signal: stop.signal, onInfo }
      // A request that waits for its turn on the connection hears of no signal, and a server may let none have its turn (SETTINGS_MAX_CONCURRENT_STREAMS of 0).
      const { statusCode, headers: answered, body } = await Promise.race([held.client.request(sent), rejectedBy(stop.signal)])
      if (statusCode === 200) {
        handedOn = true
        return { kind: 'open', chunks: readChunks({ body, stop, signal, name, held }) }
      }
      const said = await readUpTo(body, maxRefusalBytes)
      const retryAfter = answered['retry-after']
      return {
        kind: 'refused',
        answer: { status: statusCode, body: said, ...(typeof retryAfter === 'string' && { retryAfter }) },
      }
    } catch (error) {
      // A frozen or vanished peer gives no reset: every later stream on its connection would hang as well.
      if (deadline.ended() === 'timeout') held.retire()
      throw deadline.ended() ? errorOfDeadline(deadline, signal, server, name, timeoutMs) : errorOfTransport(server, name, error)
    } finally {
      if (!handedOn) held.release()
      deadline.done()
      deadline.signal.removeEventListener('abort', onEnd)
    }
  }

  interface OpenStream {
    readonly body: AsyncIterable<Buffer>
    readonly stop: AbortController
    readonly signal: AbortSignal
    readonly name: string
    readonly held: WatchConnection
  }
  async function* readChunks({ body, stop, signal, name, held }: OpenStream): AsyncGenerator<Buffer> {
    let dead = false
    let over = false
    const onAbort = () => stop.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    // An API server sends no bookmarks for a resource that nobody has touched since it started: silence is not yet death.
    const onSilence = async () => {
      if (await held.isAlive()) {
        if (!over) watchdog.refresh()
        return
      }
      dead = true
      stop.abort(new Error(`no byte for ${watchIdleMs} ms`))
    }
    const watchdog = setTimeout(() => void onSilence(), watchIdleMs)
    try {
      if (signal.aborted) return
      for await (const chunk of body) {
        watchdog.refresh()
        yield chunk
      }
    } catch (error) {
      if (signal.aborted) return
      if (!dead) throw errorOfTransport(server, name, error)
      held.retire()
      throw new AppError('KUBE_TIMEOUT', `${name}: ${server} was silent for ${watchIdleMs} ms`, { server, watchIdleMs })
    } finally {
      over = true
      clearTimeout(watchdog)
      signal.removeEventListener('abort', onAbort)
      stop.abort(new Error('the watch is over'))
      held.release()
    }
  }

  return {
    call,
    open,
    close: async () => {
      await Promise.all([calls.destroy().catch(() => {}), watches.close()])
    },
  }
}

const rejectedBy = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

const readUpTo = async (body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= maxBytes) break
  }
  return Buffer.concat(chunks)
}
