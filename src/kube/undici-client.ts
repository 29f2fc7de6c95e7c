import type { KubeList, KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf, type ResourceType } from '../apis/resource-types.ts'
import { AppError } from '../lib/errors.ts'
import { errorOfAnswer, isObjectMissing } from './answers.ts'
import type { CallOptions, KubeClient, KubeConnection, PatchType, WatchEvent } from './client.ts'
import { createLineSplitter } from './lines.ts'
import { collectionPath, createPath, listPath, objectPath, patchPath, watchPath } from './paths.ts'
import { createTransport, type Transport, type TransportCall, type TransportOptions } from './transport.ts'

export interface KubeClientOptions extends TransportOptions {
  /** Longest line of a watch. Default 16 MiB: ten times the largest object that etcd takes, as escaped JSON is longer. */
  readonly maxWatchLineBytes?: number
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
export const createKubeClient = (connection: KubeConnection, options: KubeClientOptions): KubeClient =>
  clientOver(createTransport(connection, options), { server: new URL(connection.server).origin, options })

interface ClientContext {
  readonly server: string
  readonly options: KubeClientOptions
  readonly user?: string
}

const clientOver = (transport: Transport, { server, options, user }: ClientContext): KubeClient => {
  const { userAgent, maxWatchLineBytes = 16 * 1024 * 1024 } = options
  const commonHeaders = { 'user-agent': userAgent, ...(user !== undefined && { 'impersonate-user': user }) }

  interface Ask {
    readonly accept?: string
    readonly body?: unknown
    readonly contentType?: string
    readonly call: CallOptions | undefined
  }
  /** Sends, and throws what is not 2xx. */
  const send = async (method: TransportCall['method'], path: string, ask: Ask): Promise<string> => {
    const answer = await transport.call({
      method,
      path,
      headers: {
        ...commonHeaders,
        accept: ask.accept ?? 'application/json',
        ...(ask.body !== undefined && { 'content-type': ask.contentType ?? 'application/json' }),
      },
      ...(ask.body !== undefined && { body: JSON.stringify(ask.body) }),
      ...(ask.call?.signal && { signal: ask.call.signal }),
      ...(ask.call?.timeoutMs !== undefined && { timeoutMs: ask.call.timeoutMs }),
      ...(ask.call?.maxAnswerBytes !== undefined && { maxAnswerBytes: ask.call.maxAnswerBytes }),
    })
    if (answer.status < 200 || answer.status > 299) throw errorOfAnswer({ server, method, path, ...answer })
    return answer.body
  }
  const sendForObject = async <T extends KubeObject>(method: TransportCall['method'], path: string, ask: Ask): Promise<T> => {
    const object = parse<T>(await send(method, path, ask), `${method} ${path}`)
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
      const body = await send('GET', path, { call: list, accept: accept(list.metadataOnly, 'PartialObjectMetadataList') })
      const { metadata, items } = parse<Partial<KubeList<T>>>(body, `GET ${path}`)
      for (const item of items ?? []) {
        delete item.metadata.managedFields
        // Items of a typed list come without these; whoever holds one item must know what it is.
        item.apiVersion ??= apiVersionOf(type)
        item.kind ??= type.kind
      }
      return { metadata: metadata ?? {}, items: items ?? [], bytes: body.length }
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

    delete: async (type, ref, { uid, resourceVersion, gracePeriodSeconds, propagationPolicy, ...call } = {}) => {
      const preconditions = { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) }
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...(Object.keys(preconditions).length > 0 && { preconditions }),
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
        ...(propagationPolicy !== undefined && { propagationPolicy }),
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
      if (watch.signal.aborted) return
      const stream = await transport.open({ path, headers, signal: watch.signal }).catch((error: unknown) => {
        if (watch.signal.aborted) return undefined
        throw error
      })
      if (!stream) return
      if (stream.kind === 'refused') throw errorOfAnswer({ server, method: 'WATCH', path, ...stream.answer })
      const lines = createLineSplitter(maxWatchLineBytes)
      for await (const chunk of stream.chunks) {
        for (const line of lines.push(chunk)) {
          if (watch.signal.aborted) return
          const event = parse<WatchEvent<T>>(line, `watch ${path}`)
          if (event.type !== 'ERROR') {
            delete event.object.metadata?.managedFields
            event.bytes = line.length
          }
          yield event
        }
      }
    },

    raw: async (path, call) => {
      const { status, body } = await transport.call({
        method: 'GET',
        path,
        headers: { ...commonHeaders, accept: '*/*' },
        ...(call?.signal && { signal: call.signal }),
        ...(call?.timeoutMs !== undefined && { timeoutMs: call.timeoutMs }),
        ...(call?.maxAnswerBytes !== undefined && { maxAnswerBytes: call.maxAnswerBytes }),
      })
      return { status, body }
    },

    as: (asUser) => clientOver(transport, { server, options, user: asUser }),

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

const requireNamespace = (type: ResourceType, { metadata: { namespace, name } }: KubeObject): string | undefined => {
  if (!type.namespaced) return undefined
  if (namespace) return namespace
  throw new AppError('KUBE_BAD_REQUEST', `a ${type.kind} needs a namespace`, { kind: type.kind, name })
}

const refOf = ({ metadata: { name = '', namespace } }: KubeObject) => ({ name, ...(namespace !== undefined && { namespace }) })
