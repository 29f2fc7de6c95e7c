import type { KubeList, KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf, type ResourceType } from '../apis/resource-types.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { errorOfAnswer, isObjectMissing } from './answers.ts'
import type { CallOptions, KubeClient, KubeConnection, PatchType, WatchEvent } from './client.ts'
import type { Answer } from './exchange.ts'
import { createHeldBytes, type Hold } from './held-bytes.ts'
import { type JsonLimits, smallestLookedAt } from './json-limits.ts'
import { createJsonScan } from './json-scan.ts'
import { createLineSplitter } from './lines.ts'
import { readList } from './list-answer.ts'
import { createPace, type Pace } from './pace.ts'
import { collectionPath, createPath, listPath, objectPath, patchPath, watchPath } from './paths.ts'
import { createTransport, type Transport, type TransportCall, type TransportOptions } from './transport.ts'

export interface KubeClientOptions extends Omit<TransportOptions, 'pace' | 'unread'> {
  /** Longest line of a watch. Default 16 MiB: ten times the largest object that etcd takes, as escaped JSON is longer. */
  readonly maxWatchLineBytes?: number
  /** The server gets a share of this thread's time, and no more, for the reading of what it says. */
  readonly paced?: boolean
  /** What an answer or an event may hold. By default whatever there is: the server is believed. */
  readonly jsonLimits?: JsonLimits
  /** Most bytes that all answers and watches together hold before they are read. By default each has its own limit only. */
  readonly maxUnreadBytes?: number
}

const patchContentTypes: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
}
const applyContentType = 'application/apply-patch+yaml' // JSON is YAML

const accept = (metadataOnly: boolean | undefined, as: string): string =>
  metadataOnly ? `application/json;as=${as};g=meta.k8s.io;v=v1` : 'application/json'

/** A client of one API server on two sets of connections: HTTP/2 for watches, pooled HTTP/1.1 for the rest. Connects with the first call. */
export const createKubeClient = (connection: KubeConnection, options: KubeClientOptions): KubeClient => {
  const pace = options.paced ? createPace() : undefined
  const server = new URL(connection.server).origin
  const unread = options.maxUnreadBytes === undefined ? undefined : createHeldBytes(options.maxUnreadBytes, server)
  return clientOver(createTransport(connection, { ...options, pace, unread }), { server, options, pace, unread })
}

interface ClientContext {
  readonly server: string
  readonly options: KubeClientOptions
  readonly pace: Pace | undefined
  readonly unread: (() => Hold) | undefined
  readonly user?: string
}

const clientOver = (transport: Transport, { server, options, pace, unread, user }: ClientContext): KubeClient => {
  const { userAgent, jsonLimits: limits, maxWatchLineBytes = 16 * 1024 * 1024 } = options
  const commonHeaders = { 'user-agent': userAgent, ...(user !== undefined && { 'impersonate-user': user }) }

  interface Ask {
    readonly accept?: string
    readonly body?: unknown
    readonly contentType?: string
    readonly call: CallOptions | undefined
    readonly answer?: 'list' | 'object'
  }
  const scanOf = (what: string, kind: 'list' | 'object' = 'object') =>
    limits && (() => createJsonScan(limits, what.split('?', 1)[0] as string, kind))
  /** Sends, and throws what is not 2xx. */
  const send = async (method: TransportCall['method'], path: string, ask: Ask): Promise<Answer> => {
    const { call } = ask
    await pace?.turn(call?.signal)
    call?.signal?.throwIfAborted()
    pace?.called()
    const asked = transport.call({
      method,
      path,
      headers: {
        ...commonHeaders,
        accept: ask.accept ?? 'application/json',
        ...(ask.body !== undefined && { 'content-type': ask.contentType ?? 'application/json' }),
      },
      ...(ask.body !== undefined && { body: JSON.stringify(ask.body) }),
      ...(call?.signal && { signal: call.signal }),
      ...(call?.timeoutMs !== undefined && { timeoutMs: call.timeoutMs }),
      ...(call?.maxAnswerBytes !== undefined && { maxAnswerBytes: call.maxAnswerBytes }),
      scan: scanOf(`the answer to ${method} ${path}`, ask.answer),
    })
    const answer = await asked.catch(noAnswer)
    // What is read of it is read at once.
    if (answer.body.length >= smallestLookedAt) await pace?.turn(call?.signal)
    if (answer.status < 200 || answer.status > 299)
      throw run(answer.body.length, () => errorOfAnswer({ server, method, path, ...textOf(answer) }))
    return answer
  }
  const run = <T>(bytes: number, work: () => T): T => (pace ? pace.read(bytes, work) : work())
  const noAnswer = (error: unknown): never => {
    if (hasCode(error, 'KUBE_TOO_LARGE', 'KUBE_SERVER_ERROR')) pace?.wasted()
    throw error
  }
  /** What throws here is no answer that an API server gives. */
  const orWasted = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      pace?.wasted()
      throw error
    }
  }
  const sendForObject = async <T extends KubeObject>(method: TransportCall['method'], path: string, ask: Ask): Promise<T> => {
    const { body } = await send(method, path, ask)
    const object = orWasted(() => run(body.length, () => parseObject<T>(body.toString('utf8'), `${method} ${path}`)))
    delete object.metadata?.managedFields
    return object
  }

  return {
    server,

    get: async (type, ref, call) => {
      try {
        return await sendForObject('GET', objectPath(type, ref), { call })
      } catch (error) {
        if (isObjectMissing(error)) return undefined
        throw error
      }
    },

    list: async <T extends KubeObject>(type: ResourceType, list: Parameters<KubeClient['list']>[1] = {}) => {
      const path = listPath(type, list)
      const as = accept(list.metadataOnly, 'PartialObjectMetadataList')
      const answer = await send('GET', path, { call: list, accept: as, answer: 'list' })
      const reading = {
        objectParts: limits?.objectParts ?? Number.POSITIVE_INFINITY,
        run,
        parse: <P>(json: string) => parse<P>(json, `GET ${path}`),
        pause: async () => {
          await new Promise(setImmediate)
          await pace?.turn(list.signal)
        },
      }
      const waiting = unread?.()
      let read: KubeList<T>
      try {
        waiting?.add(answer.body.length)
        read = await readList<T>(answer, reading)
      } catch (error) {
        return noAnswer(error)
      } finally {
        waiting?.letGo()
      }
      pace?.told(read.items.length)
      for (const item of read.items) {
        delete item.metadata.managedFields
        // Items of a typed list come without these; whoever holds one item must know what it is.
        item.apiVersion ??= apiVersionOf(type)
        item.kind ??= type.kind
      }
      return read
    },

    create: (type, object, call) => {
      const { name = '', namespace } = object.metadata
      const path = call?.subresource
        ? objectPath(type, { name, ...(namespace !== undefined && { namespace }) }, call.subresource)
        : collectionPath(type, requireNamespace(type, object))
      return sendForObject('POST', createPath(path, call ?? {}), { call, body: object })
    },

    replace: (type, object, call) =>
      sendForObject('PUT', objectPath(type, refOf(object), call?.subresource), { call, body: object }),

    apply: (type, object, { fieldManager, force, subresource, ...call }) =>
      sendForObject(
        'PATCH',
        patchPath(objectPath(type, refOf(object), subresource), { fieldManager, ...(force !== undefined && { force }) }),
        {
          call,
          body: object,
          contentType: applyContentType,
        },
      ),

    patch: (type, ref, body, { type: patchType = 'merge', subresource, fieldManager, dryRun, ...call } = {}) =>
      sendForObject(
        'PATCH',
        patchPath(objectPath(type, ref, subresource), {
          ...(fieldManager !== undefined && { fieldManager }),
          ...(dryRun !== undefined && { dryRun }),
        }),
        {
          call,
          body,
          contentType: patchContentTypes[patchType],
        },
      ),

    delete: async (type, ref, { uid, resourceVersion, gracePeriodSeconds, propagationPolicy, dryRun, ...call } = {}) => {
      const preconditions = { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) }
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(Object.keys(preconditions).length > 0 && { preconditions }),
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
        ...(propagationPolicy !== undefined && { propagationPolicy }),
        ...(dryRun && { dryRun: ['All'] }),
      }
      try {
        await send('DELETE', objectPath(type, ref), { call, body })
        return true
      } catch (error) {
        if (isObjectMissing(error)) return false
        throw error
      }
    },

    deleteCollection: async (type, { namespace, labelSelector, gracePeriodSeconds, ...call }) => {
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      }
      await send('DELETE', listPath(type, { namespace, ...(labelSelector !== undefined && { labelSelector }) }), { call, body })
    },

    async *watch<T extends KubeObject>(type: ResourceType, watch: Parameters<KubeClient['watch']>[1]) {
      const timeoutSeconds = watch.timeoutSeconds ?? 300 + Math.floor(Math.random() * 300)
      const path = watchPath(type, watch, timeoutSeconds)
      const headers = { ...commonHeaders, accept: accept(watch.metadataOnly, 'PartialObjectMetadata') }
      await pace?.turn(watch.signal)
      if (watch.signal.aborted) return
      pace?.called()
      const stream = await transport.open({ path, headers, signal: watch.signal }).catch((error: unknown) => {
        if (watch.signal.aborted) return undefined
        return noAnswer(error)
      })
      if (!stream) return
      if (stream.kind === 'refused') throw errorOfAnswer({ server, method: 'WATCH', path, ...textOf(stream.answer) })
      const waiting = unread?.()
      const lines = createLineSplitter(maxWatchLineBytes, { scanOf: scanOf(`a line of watch ${path}`), unread: waiting })
      try {
        for await (const chunk of stream.chunks) {
          // What is not read yet keeps the server from sending more.
          await pace?.turn(watch.signal)
          pace?.received(chunk.length)
          const mark = pace?.mark() ?? 0
          // Lines end in another chunk than most of their bytes came in.
          let bytes = 0
          for (const line of orWasted(() => lines.push(chunk))) {
            if (watch.signal.aborted) return
            bytes += line.length
            const event = orWasted(() => parseObject<WatchEvent<T>>(line, `watch ${path}`))
            if (event.type !== 'ERROR') {
              delete event.object.metadata?.managedFields
              event.bytes = line.length
            }
            yield event
          }
          // With what was done about the events, as far as it was done at once.
          pace?.spent(mark, Math.max(bytes, chunk.length))
        }
      } finally {
        waiting?.letGo()
      }
    },

    raw: async (path, call) => {
      const what = `the answer to GET ${path}`
      await pace?.turn(call?.signal)
      pace?.called()
      const asked = transport.call({
        method: 'GET',
        path,
        headers: { ...commonHeaders, accept: '*/*' },
        ...(call?.signal && { signal: call.signal }),
        ...(call?.timeoutMs !== undefined && { timeoutMs: call.timeoutMs }),
        ...(call?.maxAnswerBytes !== undefined && { maxAnswerBytes: call.maxAnswerBytes }),
        scan: call?.isText ? undefined : scanOf(what),
      })
      const { status, body } = await asked.catch(noAnswer)
      return { status, body: body.toString('utf8') }
    },

    as: (asUser) => clientOver(transport, { server, options, pace, unread, user: asUser }),

    close: () => transport.close(),
  }
}

const parse = <T>(text: string, what: string): T => {
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new AppError('KUBE_SERVER_ERROR', `${what.split('?', 1)[0]}: the answer is not JSON`, { cause })
  }
}

const textOf = ({ body, ...answer }: Answer) => ({ ...answer, body: body.toString('utf8') })

/** An API server answers with objects only. */
const parseObject = <T>(text: string, what: string): T => {
  const value = parse<T>(text, what)
  if (typeof value === 'object' && value !== null) return value
  throw new AppError('KUBE_SERVER_ERROR', `${what.split('?', 1)[0]}: the answer is no object`, {})
}

const requireNamespace = (type: ResourceType, { metadata: { namespace, name } }: KubeObject): string | undefined => {
  if (!type.namespaced) return undefined
  if (namespace) return namespace
  throw new AppError('KUBE_BAD_REQUEST', `a ${type.kind} needs a namespace`, { kind: type.kind, name })
}

const refOf = ({ metadata: { name = '', namespace } }: KubeObject) => ({ name, ...(namespace !== undefined && { namespace }) })
