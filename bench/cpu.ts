import { readdirSync, readFileSync } from 'node:fs'
import { clusterMark } from '../hack/cluster/machine.ts'
import type { ClusterPlan } from '../hack/cluster/plan.ts'

/** Linux counts in hundredths of a second for user space, on every machine (USER_HZ, times(2)). */
const ticksPerSecond = 100

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // processes end at any moment
  }
}

/** Name by which a process is added up: the program, and for Berth's own the door. */
export const programOf = (comm: string, cmdline: string): string => {
  const door = /(?:src|dist)\/bin\/([a-z-]+)\.[jt]s/.exec(cmdline)?.[1]
  if (door !== undefined) return `berth ${door}`
  const program = cmdline.split('\0', 1)[0]?.split('/').at(-1)
  return program || comm
}

/** Seconds of CPU that the cluster's processes have used so far, by program; those in pods carry `pod: ` in front. This process is `bench`. */
export const clusterCpu = ({ cgroupRoot, stateDir }: ClusterPlan): Map<string, number> => {
  const seconds = new Map<string, number>()
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = read(`/proc/${pid}/stat`)
    // The second field is the command in brackets and may itself hold brackets and blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const used = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
    if (!(used > 0)) continue
    const inPod = read(`/proc/${pid}/cgroup`).includes(`:${cgroupRoot}/`)
    const ours = inPod || Number(pid) === process.pid || read(`/proc/${pid}/environ`).includes(`${clusterMark}=${stateDir}\0`)
    if (!ours) continue
    const name = programOf(stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), read(`/proc/${pid}/cmdline`))
    const key = Number(pid) === process.pid ? 'bench' : `${inPod ? 'pod: ' : ''}${name}`
    seconds.set(key, (seconds.get(key) ?? 0) + used)
  }
  return seconds
}

/** Milliseconds for each pod between two readings, largest first. A program that was started anew counts from its start. */
export const cpuPerPod = (
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  pods: number,
): Record<string, number> =>
  Object.fromEntries(
    [...after]
      .map(([name, seconds]) => [name, ((seconds - (before.get(name) ?? 0)) * 1000) / pods] as const)
      .filter(([, ms]) => ms >= 0.01)
      .toSorted(([, a], [, b]) => b - a),
  )
