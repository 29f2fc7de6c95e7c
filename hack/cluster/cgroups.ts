import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endProcesses, type ProcessId, processId, until } from '../processes.ts'
import type { ClusterPlan } from './plan.ts'

const root = '/sys/fs/cgroup'

/** The mounted hierarchies: one with cgroup v2, one for each controller with v1. */
const hierarchies = async (): Promise<string[]> => {
  if (existsSync(join(root, 'cgroup.controllers'))) return [root]
  const names = await readdir(root, { withFileTypes: true })
  return names.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name))
}

const copy = async (file: string, from: string, to: string): Promise<void> => {
  if (!existsSync(join(to, file)) || (await readFile(join(to, file), 'utf8')).trim() !== '') return
  await writeFile(join(to, file), await readFile(join(from, file), 'utf8'))
}

/** Makes the cgroups below which the kubelets put their pods. */
export const ensureCgroups = async (plan: ClusterPlan): Promise<void> => {
  for (const hierarchy of await hierarchies()) {
    for (const path of [plan.cgroupRoot, ...plan.nodes.map(({ cgroupRoot }) => cgroupRoot)]) {
      const dir = join(hierarchy, path)
      await mkdir(dir, { recursive: true })
      const parent = join(dir, '..')
      // v1: a cpuset takes no process before it has processors and memory of its own.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (!existsSync(join(root, 'cgroup.controllers'))) await copy(file, parent, dir)
      // v2: a group hands on only the controllers that its parent enables.
      const controllers = join(parent, 'cgroup.controllers')
      if (existsSync(controllers)) {
        const names = (await readFile(controllers, 'utf8')).trim().split(/\s+/).filter(Boolean)
        if (hierarchy === root) await writeFile(join(parent, 'cgroup.subtree_control'), names.map((name) => `+${name}`).join(' '))
      }
    }
  }
}

/** All groups of the cluster, the inner ones first. */
export const cgroupDirs = async (plan: ClusterPlan): Promise<string[]> => {
  const found: string[] = []
  const walk = async (dir: string): Promise<void> => {
    for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) await walk(join(dir, entry.name))
    found.push(dir)
  }
  for (const hierarchy of await hierarchies())
    if (existsSync(join(hierarchy, plan.cgroupRoot))) await walk(join(hierarchy, plan.cgroupRoot))
  return found
}

const members = async (plan: ClusterPlan): Promise<ProcessId[]> => {
  const lists = await Promise.all(
    (await cgroupDirs(plan)).map((dir) => readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => '')),
  )
  const pids = new Set(lists.flatMap((list) => list.split('\n').filter(Boolean).map(Number)))
  return [...pids].flatMap((pid) => processId(pid) ?? [])
}

/** Ends every process in the cluster's groups and removes the groups. */
export const removeCgroups = async (plan: ClusterPlan): Promise<void> => {
  await endProcesses(await members(plan), 0)
  const left = async (): Promise<string[]> => {
    for (const dir of await cgroupDirs(plan)) await rmdir(dir).catch(() => {})
    return cgroupDirs(plan)
  }
  await until('removing cgroups', 10_000, async () => (await left()).length === 0, {
    seen: async () => `left: ${(await cgroupDirs(plan)).slice(0, 5).join(' ')}`,
  })
}
