import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDir, partialPath } from '../cache.ts'
import { withLock } from '../lock.ts'
import { run } from '../run.ts'
import { type ClusterPlan, clusterPlan, maxClusters } from './plan.ts'

/** Where clusters keep their state. Short, because Unix sockets lie below it. `BERTH_STATE_DIR` moves it. */
export const stateBase = (): string => process.env['BERTH_STATE_DIR'] ?? '/var/lib/berth'

interface ClusterRecord {
  readonly name: string
  readonly index: number
  readonly nodes: number
}

/** Writes a file so that a reader sees the old or the new content, never half of it. */
export const replaceFile = async (path: string, content: string, mode = 0o600): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  const partial = partialPath(path)
  await writeFile(partial, content, { mode })
  await rename(partial, path)
}

// Not beside the state, which goes away while the lock is held.
const lockPath = (name: string): string => join(cacheDir(), 'locks', name)

const recordPath = (name: string): string => join(stateBase(), name, 'cluster.json')

const readRecord = async (name: string): Promise<ClusterRecord | undefined> => {
  const path = recordPath(name)
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as ClusterRecord) : undefined
}

const allRecords = async (): Promise<ClusterRecord[]> => {
  const names = existsSync(stateBase()) ? await readdir(stateBase()) : []
  const records = await Promise.all(names.map(readRecord))
  return records.filter((record) => record !== undefined)
}

/** Numbers whose addresses or names something on this machine uses already, recorded or not. */
const indexesInUse = async (): Promise<Set<number>> => {
  const links = JSON.parse(await run('ip', ['-j', 'link'])) as { ifname: string }[]
  const routes = JSON.parse(await run('ip', ['-j', 'route'])) as { dst: string }[]
  const taken = new Set((await allRecords()).map(({ index }) => index))
  for (let index = 0; index < maxClusters; index++) {
    const plan = clusterPlan({ name: 'probe', index, nodes: 1, baseDir: '/' })
    const prefixes = [plan.bridgeCidr, plan.podCidr, plan.serviceCidr].map((cidr) => cidr.replace(/(\.0)+\/.*/, '.'))
    if (links.some(({ ifname }) => ifname === plan.bridge)) taken.add(index)
    if (routes.some(({ dst }) => prefixes.some((prefix) => dst.startsWith(prefix)))) taken.add(index)
  }
  return taken
}

/** The plan of a cluster that has state here; undefined when there is none. */
export const recordedPlan = async (name: string): Promise<ClusterPlan | undefined> => {
  const record = await readRecord(name)
  return record && clusterPlan({ ...record, baseDir: stateBase() })
}

/** The plan of a cluster, with a free number taken for it when it is new. A cluster that is there keeps its size. */
export const claimPlan = async (name: string, nodes: number): Promise<ClusterPlan> => {
  clusterPlan({ name, index: 0, nodes, baseDir: stateBase() }) // refuses a bad name before anything is made
  return withLock(
    lockPath('clusters'),
    async () => {
      const known = await recordedPlan(name)
      if (known) return known
      const taken = await indexesInUse()
      const index = Array.from({ length: maxClusters }, (_, number) => number).find((number) => !taken.has(number))
      if (index === undefined)
        throw new Error(
          `${maxClusters} clusters are up already, or their addresses are in use: take one down (make cluster-down)`,
        )
      await replaceFile(recordPath(name), JSON.stringify({ name, index, nodes } satisfies ClusterRecord))
      return clusterPlan({ name, index, nodes, baseDir: stateBase() })
    },
    { deadlineMs: 30_000 },
  )
}

/** One command at a time works on a cluster; a second one waits for the first. */
export const withClusterLock = <T>(name: string, work: () => Promise<T>, onWait: () => void): Promise<T> =>
  withLock(lockPath(`cluster-${name}`), work, { deadlineMs: 10 * 60_000, onWait })

/** Removes what is left of the cluster's folder. `whenLast` runs before another cluster can come up if there is none now. */
export const forget = async (plan: ClusterPlan, whenLast: () => Promise<void>): Promise<void> => {
  await rm(plan.stateDir, { recursive: true, force: true })
  await withLock(
    lockPath('clusters'),
    async () => {
      if ((await allRecords()).length > 0) return
      await whenLast()
      // Fails when something else lies there, which is not ours to remove.
      await rmdir(stateBase()).catch(() => {})
    },
    { deadlineMs: 30_000 },
  )
}
