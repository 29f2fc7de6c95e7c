import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, explainError } from '../../lib/errors.ts'

/** Where an API server keeps its objects (k8s.io/kubernetes pkg/kubeapiserver/default_storage_factory_builder.go says which kinds lie elsewhere than under their plural). */
export const registry = '/registry/'

/** One key and what is stored there. */
export interface Stored {
  readonly key: string
  readonly value: Buffer
}

/** What is to be done with one key: another value, or none. */
export interface Write {
  readonly key: string
  readonly value: Buffer | undefined
}

/** The etcd that runs beside a pod of Berth's for the time of its work. Everything throws DATA_STORE_UNREACHABLE or DATA_STORE_REFUSED. */
export interface LoopbackEtcd {
  /** Resolves when it answers. */
  ready(deadlineMs: number): Promise<void>
  /** All that begins with a prefix, in order and a few at a time: values are as large as whoever wrote them liked. */
  all(prefix: string): AsyncGenerator<Stored>
  /** The same without values. */
  keys(prefix: string): AsyncGenerator<string>
  write(writes: readonly Write[]): Promise<void>
  removeAll(prefix: string): Promise<void>
  count(prefix: string): Promise<number>
}

interface Answer {
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[]
  readonly count?: string
  readonly more?: boolean
}

/** Values are at most 1.5 MiB: a page of this many fits into the memory of a small pod, three times over. */
const valuesAtOnce = 16
const keysAtOnce = 1000

const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64')

/** The first key after all that begin with a prefix (etcd: api/etcdserverpb/rpc.proto, RangeRequest.range_end). Prefixes are ASCII. */
const endOf = (prefix: string): string => prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)

/** An etcd that takes requests from its own machine only, without keys, by its JSON gateway. */
export const loopbackEtcd = (server: string, signal: AbortSignal): LoopbackEtcd => {
  const call = async (path: string, body: object): Promise<Answer> => {
    let response: Response
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(60_000)])
      response = await fetch(`${server}/v3/${path}`, { method: 'POST', body: JSON.stringify(body), signal: within })
      if (response.ok) return (await response.json()) as Answer
    } catch (cause) {
      throw new AppError('DATA_STORE_UNREACHABLE', `etcd beside this pod does not answer: ${explainError(cause)}`, { cause })
    }
    const text = (await response.text()).slice(0, 300)
    throw new AppError('DATA_STORE_REFUSED', `etcd beside this pod refuses ${path} with HTTP ${response.status}: ${text}`, {})
  }
  const range = { key: (prefix: string) => base64(prefix), range_end: (prefix: string) => base64(endOf(prefix)) }

  const pages = async function* (prefix: string, more: { limit: number; keys_only?: boolean }): AsyncGenerator<Answer['kvs']> {
    let from: Buffer = Buffer.from(prefix)
    for (;;) {
      const answer = await call('kv/range', { key: base64(from), range_end: range.range_end(prefix), ...more })
      const { kvs = [] } = answer
      yield kvs
      const last = kvs.at(-1)
      if (!answer.more || !last) return
      from = Buffer.concat([Buffer.from(last.key, 'base64'), Buffer.from([0])])
    }
  }

  return {
    ready: async (deadlineMs) => {
      const end = performance.now() + deadlineMs
      for (;;) {
        try {
          await call('maintenance/status', {})
          return
        } catch (error) {
          if (signal.aborted || performance.now() > end) throw error
          await sleep(100, undefined, { signal })
        }
      }
    },
    all: async function* (prefix) {
      for await (const page of pages(prefix, { limit: valuesAtOnce }))
        for (const { key, value = '' } of page ?? [])
          yield { key: Buffer.from(key, 'base64').toString(), value: Buffer.from(value, 'base64') }
    },
    keys: async function* (prefix) {
      for await (const page of pages(prefix, { limit: keysAtOnce, keys_only: true }))
        for (const { key } of page ?? []) yield Buffer.from(key, 'base64').toString()
    },
    write: async (writes) => {
      const success = writes.map(({ key, value }) =>
        value ? { request_put: { key: base64(key), value: base64(value) } } : { request_delete_range: { key: base64(key) } },
      )
      if (success.length > 0) await call('kv/txn', { success })
    },
    removeAll: async (prefix) =>
      void (await call('kv/deleterange', { key: range.key(prefix), range_end: range.range_end(prefix) })),
    count: async (prefix) => {
      const body = { key: range.key(prefix), range_end: range.range_end(prefix), count_only: true }
      return Number((await call('kv/range', body)).count ?? '0')
    },
  }
}
