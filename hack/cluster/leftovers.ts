import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { processesWithEnv, programOf } from '../processes.ts'
import { attempt, run } from '../run.ts'
import { cgroupDirs } from './cgroups.ts'
import { clusterMark } from './machine.ts'
import type { ClusterPlan } from './plan.ts'

/** Places where containerd, CNI plugins and kubelets write when nobody keeps them from it. */
const foreignPlaces = [
  '/run/netns',
  '/run/containerd',
  '/run/runc',
  '/var/lib/cni',
  '/var/lib/kubelet',
  '/var/log/pods',
  '/var/log/containers',
  '/var/lib/containerd',
]

const lines = (text: string): string[] => text.split('\n').filter(Boolean)

/** Command lines of processes that name the cluster's folder, of whatever origin. */
const namedProcesses = async (plan: ClusterPlan): Promise<string[]> => {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return commands
    .map((command) => command.replaceAll('\0', ' ').trim())
    .filter((command) => command.includes(`${plan.stateDir}/`))
}

/**
 * Everything of a cluster that can be found on this machine, in words. What belongs to no single cluster is listed whole and has to be
 * compared with a list from before.
 */
export const listTraces = async (
  plan: ClusterPlan,
): Promise<{ readonly own: readonly string[]; readonly shared: readonly string[] }> => {
  const own = (text: string): boolean => text.includes(plan.bridge.replace(/br$/, '')) || text.includes(`${plan.stateDir}/`)
  const prefixes = [plan.bridgeCidr, plan.podCidr, plan.serviceCidr].map((cidr) => cidr.replace(/(\.0)+\/.*/, '.'))
  const places = await Promise.all(
    foreignPlaces.map(async (place) => (existsSync(place) ? (await readdir(place)).map((name) => `${place}/${name}`) : [])),
  )
  return {
    own: [
      ...processesWithEnv(clusterMark, plan.stateDir).map((id) => `process ${id.pid} ${programOf(id)}`),
      ...(await namedProcesses(plan)).map((command) => `process ${command.slice(0, 100)}`),
      ...lines(await readFile('/proc/self/mounts', 'utf8'))
        .filter(own)
        .map((line) => `mount ${line}`),
      ...(await cgroupDirs(plan)).map((dir) => `cgroup ${dir}`),
      ...lines(await run('ip', ['-o', 'link']))
        .filter(own)
        .map((line) => `link ${line}`),
      ...lines(await run('ip', ['route', 'show', 'table', 'all']))
        .filter((line) => prefixes.some((prefix) => line.includes(prefix)))
        .map((line) => `route ${line}`),
      ...(existsSync(plan.stateDir) ? [`folder ${plan.stateDir}`] : []),
    ].sort(),
    shared: [
      ...places.flat(),
      ...lines((await attempt('nft', ['list', 'ruleset'])).output).map((line) => `nft ${line}`),
      ...lines((await attempt('iptables-save', [])).output)
        .filter((line) => !line.startsWith('#'))
        .map((line) => `iptables ${line}`),
      ...lines(await run('ip', ['rule'])).map((line) => `rule ${line}`),
    ].sort(),
  }
}
