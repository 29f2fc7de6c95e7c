import { Pool } from 'undici'
import { AppError } from '../lib/errors.ts'
import { errorOfTransport, isConnectionReset } from './answers.ts'
import type { KubeConnection } from './client.ts'
import { errorOfDeadline, startDeadline } from './deadline.ts'
import { type Answer, exchange } from './exchange.ts'

export interface TransportOptions {
  /** HTTP/1.1 connections for everything but watches. Default 32. */
  readonly connections?: number
  /** Deadline of a call that names none. Default 10 s. */
  readonly timeoutMs?: number
  /** A watch without a byte for this long is taken for dead. Default 95 s: servers send a bookmark about once a minute. */
  readonly watchIdleMs?: number
  /** Largest answer that is read into memory. Default 256 MiB: a list of 40,000 pods. */
  readonly maxAnswerBytes?: number
}

export interface TransportCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs?: number
  readonly maxAnswerBytes?: number
  readonly signal?: AbortSignal
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

/** A retired pool's watches end by themselves within their server-side time-out; what is left then hangs on a dead connection. */
const retiredPoolEndsMs = 12 * 60_000
/** Bytes of a refused watch's body that are read for its message. */
const maxRefusalBytes = 64 * 1024

/** Opens nothing yet: connections are made by the first call. */
export const createTransport = (connection: KubeConnection, options: TransportOptions = {}): Transport => {
  const { connections = 32, timeoutMs = 10_000, watchIdleMs = 95_000, maxAnswerBytes = 256 * 1024 * 1024 } = options
  const url = new URL(connection.server)
  const base = url.pathname.replace(/\/+$/, '')
  const server = url.origin
  const tls = {
    ...(connection.ca !== undefined && { ca: connection.ca }),
    ...(connection.clientCert !== undefined && { cert: connection.clientCert }),
    ...(connection.clientKey !== undefined && { key: connection.clientKey }),
    ...(connection.tlsServerName !== undefined && { servername: connection.tlsServerName }),
  }
  const shared = {
    connectTimeout: timeoutMs,
    keepAliveTimeout: 45_000, // API servers close idle connections after 90 s: be first, or a write meets a closed one
    keepAliveMaxTimeout: 45_000,
    headersTimeout: 0, // every call has a deadline of its own, for all of it
    bodyTimeout: 0,
  }
  const calls = new Pool(server, { ...shared, connections, pipelining: 1, allowH2: false, connect: tls })
  const newWatchPool = () =>
    new Pool(server, {
      ...shared,
      allowH2: true,
      h2Options: { maxConcurrentStreams: 250, pingInterval: 30_000 },
      connect: { ...tls, preferH2: true },
    })
  let watches = newWatchPool()
  const retired = new Set<Pool>()

  // A frozen or vanished peer gives no reset, and every later stream on its connection would hang too.
  const retire = (pool: Pool) => {
    if (pool !== watches) return
    watches = newWatchPool()
    retired.add(pool)
    const timer = setTimeout(() => void pool.destroy().catch(() => {}), retiredPoolEndsMs).unref()
    const forget = () => {
      clearTimeout(timer)
      retired.delete(pool)
    }
    pool.close().then(forget, forget)
  }

  const headersFor = async (headers: Readonly<Record<string, string>>): Promise<Record<string, string>> =>
    connection.token ? { ...headers, authorization: `Bearer ${await connection.token()}` } : { ...headers }

  const call: Transport['call'] = async ({ method, path, headers, body, signal, ...limits }) => {
    const name = `${method} ${path.split('?', 1)[0]}`
    const ms = limits.timeoutMs ?? timeoutMs
    const deadline = startDeadline(ms, signal)
    const sent = { method, path: base + path, headers: await headersFor(headers), ...(body !== undefined && { body }) }
    const attempt = () => exchange(calls, sent, { signal: deadline.signal, maxBytes: limits.maxAnswerBytes ?? maxAnswerBytes })
    try {
      return await attempt().catch((error: unknown) => {
        if (method !== 'GET' || deadline.ended() || !isConnectionReset(error)) throw error
        return attempt()
      })
    } catch (error) {
      throw deadline.ended() ? errorOfDeadline(deadline, signal, server, name, ms) : errorOfTransport(server, name, error)
    } finally {
      deadline.done()
    }
  }

  const open: Transport['open'] = async ({ path, headers, signal }) => {
    const name = `watch ${path.split('?', 1)[0]}`
    const pool = watches
    const deadline = startDeadline(timeoutMs, signal)
    const stop = new AbortController()
    const onEnd = () => stop.abort(deadline.signal.reason)
    deadline.signal.addEventListener('abort', onEnd, { once: true })
    try {
      const sent = { method: 'GET' as const, path: base + path, headers: await headersFor(headers), signal: stop.signal }
      const { statusCode, headers: answered, body } = await pool.request(sent)
      if (statusCode === 200) return { kind: 'open', chunks: readChunks({ body, stop, signal, name, pool }) }
      const text = await readText(body, maxRefusalBytes)
      const retryAfter = answered['retry-after']
      return {
        kind: 'refused',
        answer: { status: statusCode, body: text, ...(typeof retryAfter === 'string' && { retryAfter }) },
      }
    } catch (error) {
      if (deadline.ended() === 'timeout') retire(pool)
      throw deadline.ended() ? errorOfDeadline(deadline, signal, server, name, timeoutMs) : errorOfTransport(server, name, error)
    } finally {
      deadline.done()
      deadline.signal.removeEventListener('abort', onEnd)
    }
  }

  interface OpenStream {
    readonly body: AsyncIterable<Buffer> & { destroy(error?: Error): unknown }
    readonly stop: AbortController
    readonly signal: AbortSignal
    readonly name: string
    readonly pool: Pool
  }
  async function* readChunks({ body, stop, signal, name, pool }: OpenStream): AsyncGenerator<Buffer> {
    let silent = false
    const onAbort = () => stop.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const watchdog = setTimeout(() => {
      silent = true
      stop.abort(new Error(`no byte for ${watchIdleMs} ms`))
    }, watchIdleMs)
    try {
      if (signal.aborted) return
      for await (const chunk of body) {
        watchdog.refresh()
        yield chunk
      }
    } catch (error) {
      if (signal.aborted) return
      if (!silent) throw errorOfTransport(server, name, error)
      retire(pool)
      throw new AppError('KUBE_TIMEOUT', `${name}: ${server} was silent for ${watchIdleMs} ms`, { server, watchIdleMs })
    } finally {
      clearTimeout(watchdog)
      signal.removeEventListener('abort', onAbort)
      stop.abort(new Error('the watch is over'))
    }
  }

  return {
    call,
    open,
    close: async () => {
      await Promise.all([calls, watches, ...retired].map((pool) => pool.destroy().catch(() => {})))
    },
  }
}

const readText = async (body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= maxBytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}
