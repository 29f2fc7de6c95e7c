import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../src/apis/kube-object.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { AppError, explainError, hasCode } from '../src/lib/errors.ts'
import { type Chance, chanceOf } from './chance.ts'
import { fateOf } from './fate.ts'
import {
  acknowledged,
  type Content,
  type Entry,
  type Finding,
  findingOf,
  isUnsure,
  type Known,
  seen,
  uncertain,
  unwritten,
} from './journal.ts'
import { type LoadKind, loadNamespace, newObject, type Stream, streams } from './load-kinds.ts'

/** What became of the writes to one tenant. */
export interface LoadFigures {
  readonly acknowledged: number
  /** Not stored, and said so: no connection, or a refusal. */
  readonly refused: number
  /** Somebody else had written the object meanwhile. */
  readonly conflicts: number
  /** No answer, or none that says whether it was stored. */
  readonly unknown: number
  /** The longest time between two answered writes, and its end in milliseconds since the load began. */
  readonly longestGapMs: number
  readonly longestGapEndMs: number
  /** Refusals by their words, with how often: of a load that is right there are only those of servers that are not there. */
  readonly words: Readonly<Record<string, number>>
}

export interface Load {
  /** Ends it when what is being written is done. */
  stop(): Promise<void>
  /** Every key that was ever written. */
  entries(): Entry[]
  figures(): LoadFigures
  /** What reads between writes found. */
  findings(): readonly Finding[]
}

/** One object of a set. */
interface Item {
  readonly kind: LoadKind
  known: Known
  /** As the last answer showed it. */
  stored?: KubeObject
  /** A write failed: before the next one it is read again. */
  doubtful: boolean
}

interface ObjectSet {
  readonly name: string
  readonly items: readonly Item[]
  /** `over`: nothing is written there any more. */
  phase: 'making' | 'live' | 'going' | 'over'
}

const callMs = 5_000
const retryMs = 500
/** So many of all updates read the object before: an early look at what is stored. */
const readShare = 0.2

const contentOf = (kind: LoadKind, object: KubeObject | undefined): Content =>
  object && object.metadata.deletionTimestamp === undefined ? kind.contentOf(object) : null

/** A user who goes on writing to a tenant until told to stop. One seed asks for the same things, as far as answers are the same. */
export const startLoad = (client: KubeClient, seed: number, tenant: string): Load => {
  const began = performance.now()
  const counts = { acknowledged: 0, refused: 0, conflicts: 0, unknown: 0 }
  const words = new Map<string, number>()
  const findings: Finding[] = []
  const sets: ObjectSet[] = []
  let last = began
  let longestGapMs = 0
  let longestGapEndMs = 0
  let count = 0
  const stopping = new AbortController()

  const noteGap = (): void => {
    const now = performance.now()
    if (now - last > longestGapMs) {
      longestGapMs = now - last
      longestGapEndMs = now - began
    }
    last = now
  }
  const acknowledge = (item: Item, content: Content, object?: KubeObject): void => {
    item.known = acknowledged(content, object?.metadata.resourceVersion)
    if (object) item.stored = object
    item.doubtful = false
    counts.acknowledged += 1
    noteGap()
  }
  /** Notes what a failed write may have left. */
  const failed = (item: Item, content: Content, error: unknown): void => {
    item.doubtful = true
    const fate = fateOf(error)
    if (fate !== 'refused') item.known = uncertain(item.known, content)
    if (fate === 'conflict') counts.conflicts += 1
    else {
      counts[fate] += 1
      const said = `${fate}: ${error instanceof AppError ? `${error.code} ` : ''}${explainError(error)
        .replace(/[a-z]+-\d+|\d+/g, '*')
        .slice(0, 200)}`
      words.set(said, (words.get(said) ?? 0) + 1)
    }
  }

  const create = async (set: ObjectSet, item: Item): Promise<boolean> => {
    count += 1
    const object = newObject(item.kind, set.name, count)
    const content = item.kind.contentOf(object)
    try {
      acknowledge(item, content, await client.create(item.kind.type, object, { timeoutMs: callMs }))
      return true
    } catch (error) {
      failed(item, content, error)
      return false
    }
  }
  const update = async (item: Item, stored: KubeObject): Promise<boolean> => {
    count += 1
    const object = item.kind.written(stored, count)
    const content = item.kind.contentOf(object)
    try {
      acknowledge(item, content, await client.replace(item.kind.type, object, { timeoutMs: callMs }))
      return true
    } catch (error) {
      failed(item, content, error)
      return false
    }
  }
  const remove = async (item: Item, { metadata: { name = '', uid, resourceVersion } }: KubeObject): Promise<boolean> => {
    try {
      const was = await client.delete(
        item.kind.type,
        { name, namespace: loadNamespace },
        {
          timeoutMs: callMs,
          propagationPolicy: 'Background',
          ...(uid !== undefined && { uid }),
          ...(resourceVersion !== undefined && { resourceVersion }),
        },
      )
      if (!was) {
        // Somebody has deleted it, or an answer of ours was lost: a read tells which.
        item.doubtful = true
        return false
      }
      acknowledge(item, null)
      return true
    } catch (error) {
      failed(item, null, error)
      return false
    }
  }

  /** Reads what a failed write left; false when that fails too. */
  const read = async (set: ObjectSet, item: Item): Promise<boolean> => {
    try {
      const object = await client.get(item.kind.type, { name: set.name, namespace: loadNamespace }, { timeoutMs: callMs })
      const content = contentOf(item.kind, object)
      const version = object?.metadata.resourceVersion
      const finding = findingOf(
        { kind: item.kind.type.plural, name: set.name, known: item.known },
        { content, ...(version !== undefined && { version }) },
      )
      if (finding) {
        findings.push({ ...finding, detail: `${finding.detail}; read after ${Math.round((performance.now() - began) / 1000)} s` })
        set.phase = 'over'
      }
      const isNew = item.known.possible[0] === null && isUnsure(item.known)
      item.known = seen(item.known, content)
      if (object) item.stored = object
      // A creation without an answer that is not there may still come: that name is used no more.
      if (isNew && content === null) set.phase = set.items.some(({ known }) => known.possible[0] !== null) ? 'going' : 'over'
      item.doubtful = false
      return true
    } catch {
      return false
    }
  }

  const begin = ({ name, kinds, fixed }: Stream): ObjectSet => {
    const items = kinds.map((kind): Item => ({ kind, known: unwritten, doubtful: false }))
    count += 1
    const set: ObjectSet = { name: fixed ?? `${name}-${count}`, items, phase: 'making' }
    sets.push(set)
    return set
  }
  const isThere = ({ known }: Item): boolean => known.possible[0] !== null

  /** The next write to one set. False when it failed. */
  const writeTo = async (set: ObjectSet, chance: Chance): Promise<boolean> => {
    const doubtful = set.items.find((item) => item.doubtful)
    if (doubtful && !(await read(set, doubtful))) return false
    switch (set.phase) {
      case 'making': {
        const item = set.items.find((each) => !isThere(each))
        const made = item ? await create(set, item) : true
        if (set.items.every(isThere)) set.phase = 'live'
        return made
      }
      case 'going': {
        const item = set.items.findLast(isThere)
        const removed = item?.stored ? await remove(item, item.stored) : true
        if (!set.items.some(isThere)) set.phase = 'over'
        return removed
      }
      case 'live': {
        const item = chance.oneOf(set.items)
        if (chance.next() < readShare && !(await read(set, item))) return false
        return set.phase === 'live' && item.stored ? update(item, item.stored) : true
      }
      case 'over':
        return true
    }
  }

  const step = (stream: Stream, own: ObjectSet[], chance: Chance): Promise<boolean> => {
    const current = own.filter(({ phase }) => phase !== 'over')
    // One that is being made or taken away, or about which nothing is certain, goes on first.
    const open = current.find(({ phase, items }) => phase !== 'live' || items.some(({ doubtful }) => doubtful))
    if (open) return writeTo(open, chance)
    const dice = chance.next()
    if (current.length === 0 || (dice < 0.2 && current.length < stream.most)) {
      const set = begin(stream)
      own.push(set)
      return writeTo(set, chance)
    }
    const set = chance.oneOf(current)
    if (dice > 0.82 && stream.fixed === undefined) set.phase = 'going'
    return writeTo(set, chance)
  }

  const run = async (stream: Stream): Promise<void> => {
    const chance = chanceOf(seed, `load ${stream.name} of ${tenant}`)
    const own: ObjectSet[] = []
    while (!stopping.signal.aborted) {
      const before = performance.now()
      const done = await step(stream, own, chance)
      const restMs = done ? stream.everyMs * (0.5 + chance.next()) - (performance.now() - before) : retryMs
      await sleep(Math.max(0, restMs), undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  const running = Promise.all(streams.map(run))
  return {
    stop: async () => {
      stopping.abort()
      await running
      noteGap()
    },
    entries: () => sets.flatMap(({ name, items }) => items.map(({ kind, known }) => ({ kind: kind.type.plural, name, known }))),
    figures: () => ({ ...counts, longestGapMs, longestGapEndMs, words: Object.fromEntries(words) }),
    findings: () => findings,
  }
}

/** Makes the namespace of the load; one that is there is fine. */
export const makeLoadNamespace = async (client: KubeClient): Promise<void> => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: loadNamespace } }
  await client.create(resourceTypes.namespaces, namespace).catch((error: unknown) => {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  })
}
