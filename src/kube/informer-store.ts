import { type KubeObject, objectKey } from '../apis/kube-object.ts'
import { compareResourceVersions, isNewer, isOlder } from './resource-version.ts'

export type ChangeKind = 'added' | 'updated' | 'deleted'

/** What one step changed for those who follow the store. */
export interface Change<T extends KubeObject> {
  readonly kind: ChangeKind
  readonly key: string
  readonly object: T
  readonly old: T | undefined
  /** The change is a write of this process that `observe` had brought in before. */
  readonly own: boolean
}

interface Entry<T> {
  object: T
  resourceVersion: string | undefined
  /** Last list in which it was; -1 for none, so that an observed object cannot outlive a list without it. */
  round: number
  /** Brought in by `observe`, not told yet. `before` is what was told last; `mixed`: others wrote in between. */
  unconfirmed: { before: T | undefined; mixed: boolean } | undefined
}

/** Objects by key as one server's list, watch and own writes say, whichever of them comes first. No I/O. */
export interface InformerStore<T extends KubeObject> {
  readonly objects: ReadonlyMap<string, { readonly object: T }>
  /** The resourceVersion up to which list and watch have told everything; undefined before the first list. */
  position(): string | undefined
  /** To be called before a list is asked for: its answer cannot be older than what is known now. */
  prepareList(): void
  /** True for the answer to a list (after `prepareList`) that is older than it can be: the server's data was restored. */
  isRewound(resourceVersion: string | undefined): boolean
  /** The list's resourceVersion. True when it is older than it can be: the server's data was restored, and the list is the truth. */
  beginList(resourceVersion: string | undefined): boolean
  /** One listed object. */
  listed(object: T): Change<T> | undefined
  /** What was not in the list and is not newer than it, is gone. */
  endList(): Change<T>[]
  /** One event. `rewound`: it is older than the position, so the server's data was restored and only a list helps. */
  watched(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', object: T): Change<T> | 'rewound' | undefined
  /** The answer to an own write. */
  observe(object: T): void
}

/** `keep` cuts an object to what is worth its memory. */
export const createInformerStore = <T extends KubeObject>(keep: (object: T) => T = (object) => object): InformerStore<T> => {
  const entries = new Map<string, Entry<T>>()
  let position: string | undefined
  let newest: string | undefined // of all that was seen, own writes included
  let newestBeforeList: string | undefined
  let round = 0
  let listVersion: string | undefined
  let listIsTruth = false

  const see = (resourceVersion: string | undefined) => {
    if (newest === undefined || isNewer(resourceVersion, newest)) newest = resourceVersion
  }

  const put = (key: string, whole: T, source: 'list' | 'watch'): Change<T> | undefined => {
    const { resourceVersion } = whole.metadata
    see(resourceVersion)
    const entry = entries.get(key)
    if (!entry) {
      const object = keep(whole)
      entries.set(key, { object, resourceVersion, round: source === 'list' ? round : -1, unconfirmed: undefined })
      return { kind: 'added', key, object, old: undefined, own: false }
    }
    if (source === 'list') entry.round = round
    const { unconfirmed } = entry
    const order = compareResourceVersions(resourceVersion, entry.resourceVersion)
    if (!listIsTruth && order === -1) {
      if (unconfirmed) unconfirmed.mixed = true
      return undefined
    }
    if (!listIsTruth && resourceVersion === entry.resourceVersion) {
      if (!unconfirmed) return undefined
      const { before, mixed } = unconfirmed
      entry.unconfirmed = undefined
      return { kind: before ? 'updated' : 'added', key, object: entry.object, old: before, own: source === 'watch' && !mixed }
    }
    const old = unconfirmed ? unconfirmed.before : entry.object
    entry.object = keep(whole)
    entry.resourceVersion = resourceVersion
    entry.unconfirmed = undefined
    return { kind: old ? 'updated' : 'added', key, object: entry.object, old, own: false }
  }

  const remove = (key: string, entry: Entry<T>): Change<T> => {
    entries.delete(key)
    const old = entry.unconfirmed?.before ?? entry.object
    return { kind: 'deleted', key, object: entry.object, old, own: false }
  }

  return {
    objects: entries,
    position: () => position,

    prepareList: () => {
      newestBeforeList = newest
    },
    isRewound: (resourceVersion) => isOlder(resourceVersion, newestBeforeList),
    beginList: (resourceVersion) => {
      round += 1
      listVersion = resourceVersion
      listIsTruth = isOlder(resourceVersion, newestBeforeList)
      see(resourceVersion)
      return listIsTruth
    },
    listed: (object) => put(objectKey(object), object, 'list'),
    endList: () => {
      const gone: Change<T>[] = []
      for (const [key, entry] of entries) {
        if (entry.round === round) continue
        if (!listIsTruth && isNewer(entry.resourceVersion, listVersion)) continue
        gone.push(remove(key, entry))
      }
      position = listVersion
      if (listIsTruth) newest = listVersion
      listIsTruth = false
      return gone
    },

    watched: (type, object) => {
      const { resourceVersion } = object.metadata
      if (isOlder(resourceVersion, position)) return 'rewound'
      position = resourceVersion ?? position
      see(resourceVersion)
      if (type === 'BOOKMARK') return undefined
      const key = objectKey(object)
      if (type !== 'DELETED') return put(key, object, 'watch')
      const entry = entries.get(key)
      if (!entry || isOlder(resourceVersion, entry.resourceVersion)) return undefined
      return remove(key, entry)
    },

    observe: (whole) => {
      const { resourceVersion } = whole.metadata
      const key = objectKey(whole)
      const entry = entries.get(key)
      if (!isNewer(resourceVersion, entry ? entry.resourceVersion : position)) return
      see(resourceVersion)
      if (entry) {
        entry.unconfirmed ??= { before: entry.object, mixed: false }
        entry.object = keep(whole)
        entry.resourceVersion = resourceVersion
      } else {
        entries.set(key, { object: keep(whole), resourceVersion, round: -1, unconfirmed: { before: undefined, mixed: false } })
      }
    },
  }
}
