import { setTimeout as sleep } from 'node:timers/promises'
import type { DrillResult } from '../../apis/snapshot-task.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { type LoopbackEtcd, registry } from '../clone/loopback-etcd.ts'
import { type Counts, folderOf, isRestless, missing, nameOf, type ServedKind } from './kinds.ts'

/** What is stored of each kind, before any API server has looked at it. */
export const countsOf = async (etcd: LoopbackEtcd): Promise<Counts> => {
  const counts: Record<string, number> = {}
  for await (const key of etcd.keys(registry)) {
    const folder = folderOf(key.slice(registry.length))
    counts[folder] = (counts[folder] ?? 0) + 1
  }
  return counts
}

const readyWithinMs = 180_000
/** Kinds of the tenant's own are served a little after the API server is ready. */
const servedWithinMs = 60_000
/** Objects of a page: each may be more than a megabyte. */
const pageSize = 50
/** What people are told of at most. */
const mostProblems = 8

const whenReady = async (client: KubeClient, signal: AbortSignal): Promise<void> => {
  const end = performance.now() + readyWithinMs
  for (let seen = ''; ; ) {
    try {
      const { status, body } = await client.raw('/readyz', { signal, timeoutMs: 5000 })
      if (status === 200) return
      seen = `HTTP ${status} ${body.slice(-300)}`
    } catch (error) {
      seen = explainError(error)
    }
    if (signal.aborted || performance.now() > end)
      throw new AppError('SNAPSHOT_UNREADABLE', `an API server does not start on the data of the snapshot: ${seen}`, {})
    await sleep(200, undefined, { signal })
  }
}

const json = async <T>(client: KubeClient, path: string, signal: AbortSignal): Promise<T> => {
  const { status, body } = await client.raw(path, { signal })
  if (status !== 200) throw new AppError('KUBE_SERVER_ERROR', `GET ${path} answers with HTTP ${status}`, {})
  return JSON.parse(body) as T
}

interface Resource {
  readonly name: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
}

const kindsOf = async (client: KubeClient, signal: AbortSignal): Promise<readonly ServedKind[]> => {
  const { groups } = await json<{
    groups: readonly { name: string; preferredVersion: { version: string } }[]
  }>(client, '/apis', signal)
  const all = [{ name: '', preferredVersion: { version: 'v1' } }, ...groups]
  const lists = await Promise.all(
    all.map(async ({ name: group, preferredVersion: { version } }) => {
      const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
      const { resources } = await json<{ resources: readonly Resource[] }>(client, path, signal)
      return resources
        .filter(({ name, verbs }) => verbs.includes('list') && !name.includes('/'))
        .map(({ name, namespaced }) => ({ group, version, plural: name, namespaced }))
    }),
  )
  return lists.flat()
}

interface Definition {
  readonly spec: { readonly group: string; readonly names: { readonly plural: string } }
}

/** Kinds that the tenant defined itself. Those that only a program of the tenant's can read were taken out before. */
const definedKinds = async (client: KubeClient, signal: AbortSignal): Promise<readonly string[]> => {
  const type = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', kind: '', namespaced: false }
  const { items } = await client.list(type, { signal })
  return (items as unknown as readonly Definition[]).map(({ spec }) =>
    nameOf({ group: spec.group, plural: spec.names.plural, version: '', namespaced: true }),
  )
}

const servedKinds = async (client: KubeClient, defined: readonly string[], signal: AbortSignal) => {
  const end = performance.now() + servedWithinMs
  for (;;) {
    const kinds = await kindsOf(client, signal)
    const names = new Set(kinds.map(nameOf))
    const unserved = defined.filter((name) => !names.has(name))
    if (unserved.length === 0 || performance.now() > end) return { kinds, unserved }
    await sleep(500, undefined, { signal })
  }
}

const countListed = async (client: KubeClient, kind: ServedKind, signal: AbortSignal): Promise<number> => {
  let count = 0
  for (let continueToken: string | undefined; ; ) {
    const page = await client.list(
      { ...kind, kind: kind.plural },
      { limit: pageSize, metadataOnly: true, signal, ...(continueToken && { continueToken }) },
    )
    count += page.items.length
    continueToken = page.metadata.continue
    if (!continueToken) return count
  }
}

/**
 * Lists every kind of an API server that was started on the data of a snapshot, and compares with what is stored. All Secrets are decrypted for that. Throws
 * SNAPSHOT_UNREADABLE when no API server starts on them.
 */
export const drill = async (client: KubeClient, stored: Counts, signal: AbortSignal): Promise<DrillResult> => {
  await whenReady(client, signal)
  const { kinds, unserved } = await servedKinds(client, await definedKinds(client, signal), signal)
  const problems = unserved.map((name) => `${name}: the tenant's own kind is not served`)
  let objects = 0
  let checked = 0
  for (const kind of kinds) {
    if (isRestless(kind)) continue
    try {
      const listed = await countListed(client, kind, signal)
      objects += listed
      checked += 1
      const problem = missing(kind, listed, stored)
      if (problem !== undefined) problems.push(problem)
    } catch (error) {
      problems.push(`${nameOf(kind)} cannot be listed: ${explainError(error).slice(0, 200)}`)
    }
  }
  return { objects, kinds: checked, secrets: stored['secrets'] ?? 0, problems: problems.slice(0, mostProblems) }
}
