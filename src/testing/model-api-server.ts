import { type KubeObject, objectKey } from '../apis/kube-object.ts'
import type { KubeClient, ListOptions, WatchEvent, WatchOptions } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'

interface LoggedEvent {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
}

type Fault = 'disconnect' | 'end'

interface Watcher {
  wake(): void
  fault: Fault | undefined
}

const unreachable = () => new AppError('KUBE_UNREACHABLE', 'the model is cut off', {})
const gone = () => new AppError('KUBE_GONE', 'too old resource version', {})

/**
 * One collection as an API server keeps it: versions, pages of a snapshot, a watch from any version, compaction, and faults at will, which a real
 * server cannot be made to have at an exact moment. It gives what an informer needs of a KubeClient.
 */
export const createModelApiServer = () => {
  let version = 1
  let compacted = 0
  let log: LoggedEvent[] = []
  let bookmarks: number[] = []
  const watchers = new Set<Watcher>()
  const listFaults: AppError[] = []
  let goneAsEvent = false
  let restarting = false

  const stateAt = (at: number): Map<string, KubeObject> => {
    const state = new Map<string, KubeObject>()
    for (const { version: when, type, object } of log) {
      if (when > at) break
      if (type === 'DELETED') state.delete(objectKey(object))
      else state.set(objectKey(object), object)
    }
    return state
  }
  const commit = (type: LoggedEvent['type'], object: KubeObject): KubeObject => {
    version += 1
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } }
    log.push({ version, type, object: stored })
    for (const watcher of watchers) watcher.wake()
    return stored
  }
  const breakAll = (fault: Fault) => {
    for (const watcher of watchers) {
      watcher.fault = fault
      watcher.wake()
    }
  }

  const list = async ({
    limit,
    continueToken,
  }: ListOptions = {}): Promise<{ metadata: Record<string, string>; items: KubeObject[] }> => {
    await new Promise(setImmediate)
    const fault = listFaults.shift()
    if (fault) throw fault
    const [at = version, after = ''] = continueToken ? (JSON.parse(continueToken) as [number, string]) : []
    if (at < compacted || at > version) throw gone()
    const rest = [...stateAt(at)].filter(([key]) => key > after).sort(([a], [b]) => (a < b ? -1 : 1))
    const page = rest.slice(0, limit ?? rest.length)
    const last = page.at(-1)
    const more = page.length < rest.length && last
    return {
      metadata: { resourceVersion: `${at}`, ...(more && { continue: JSON.stringify([at, last[0]]) }) },
      items: page.map(([, object]) => structuredClone(object)),
    }
  }

  async function* watch({ resourceVersion, signal }: WatchOptions): AsyncGenerator<WatchEvent> {
    let at = Number(resourceVersion)
    if (restarting) {
      restarting = false
      throw unreachable()
    }
    if (at < compacted) {
      if (!goneAsEvent) throw gone()
      yield { type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old resource version' } }
      return
    }
    let wake = () => {}
    const watcher: Watcher = { wake: () => wake(), fault: undefined }
    const onAbort = () => wake()
    signal.addEventListener('abort', onAbort)
    watchers.add(watcher)
    let toldBookmarks = bookmarks.length
    try {
      while (!signal.aborted) {
        if (watcher.fault === 'disconnect') throw unreachable()
        if (watcher.fault === 'end') return
        const next = log.find((event) => event.version > at)
        if (next) {
          at = next.version
          yield { type: next.type, object: structuredClone(next.object) }
          continue
        }
        if (bookmarks.length > toldBookmarks) {
          toldBookmarks = bookmarks.length
          yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: `${version}` } } }
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      watchers.delete(watcher)
      signal.removeEventListener('abort', onAbort)
    }
  }

  return {
    client: {
      server: 'https://model',
      list: (_type, options) => list(options),
      watch: (_type, options) => watch(options),
    } as Pick<KubeClient, 'server' | 'list' | 'watch'>,
    version: () => version,
    /** Creates or changes an object; gives the server's answer. */
    write: (object: KubeObject): KubeObject => commit(stateAt(version).has(objectKey(object)) ? 'MODIFIED' : 'ADDED', object),
    remove: (key: string): void => {
      const object = stateAt(version).get(key)
      if (object) commit('DELETED', object)
    },
    /** resourceVersion by key, as it is now. */
    state: (): Map<string, string> =>
      new Map([...stateAt(version)].map(([key, { metadata }]) => [key, metadata.resourceVersion ?? ''])),
    /** Versions before now are gone; running watches are not disturbed. */
    compact: (asEvent: boolean) => {
      compacted = version
      goneAsEvent = asEvent
    },
    bookmark: () => {
      bookmarks = [...bookmarks, version]
      for (const watcher of watchers) watcher.wake()
    },
    disconnect: () => breakAll('disconnect'),
    endWatches: () => breakAll('end'),
    failNextList: (error: AppError) => void listFaults.push(error),
    /** The data of `back` versions ago, as after a restore from a backup: all watches break, and who watches from the future is told nothing. */
    rewind: (back: number) => {
      version = Math.max(1, compacted, version - back)
      log = log.filter((event) => event.version <= version)
      restarting = true
      breakAll('disconnect')
    },
  }
}
