import { readdirSync, readFileSync } from 'node:fs'
import { programOf } from '../cpu.ts'

/** Linux counts in hundredths of a second for user space, on every machine (USER_HZ, times(2)). */
const ticksPerSecond = 100

/** Memory of a process, bytes. */
export interface Memory {
  /** All that is in memory, with pages of the program's file that other processes of the same program use too. */
  readonly resident: number
  /** The same, with shared pages divided among those who share them. */
  readonly proportional: number
  /** What it has made itself and nobody shares: heaps and stacks. */
  readonly anonymous: number
}

/** One program of one pod at one moment. */
export interface ProcessUse {
  readonly podUid: string
  readonly program: string
  /** Since it started. */
  readonly cpuSeconds: number
  readonly memory: Memory
}

const podPattern = /pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})/

/** UID of the pod that a process with this /proc/PID/cgroup is in; the systemd driver of a kubelet writes it with underscores. */
export const podUidOf = (cgroup: string): string | undefined => podPattern.exec(cgroup)?.[1]?.replaceAll('_', '-')

/** Seconds of CPU by /proc/PID/stat: fields 14 and 15. */
export const cpuSecondsOf = (stat: string): number => {
  // The second field is the command in brackets and may itself hold brackets and blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** Reads /proc/PID/smaps_rollup, which counts in KiB. */
export const memoryOf = (rollup: string): Memory => {
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1]) * 1024
  return { resident: bytes('Rss'), proportional: bytes('Pss'), anonymous: bytes('Anonymous') }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // processes end at any moment
  }
}

/** The processes in these pods. Empty where pods do not run on this machine. */
export const processesOf = (podUids: ReadonlySet<string>): ProcessUse[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      const podUid = podUidOf(read(`/proc/${pid}/cgroup`))
      if (podUid === undefined || !podUids.has(podUid)) return []
      const [stat, rollup] = [read(`/proc/${pid}/stat`), read(`/proc/${pid}/smaps_rollup`)]
      if (!stat || !rollup) return []
      const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
      return {
        podUid,
        program: programOf(comm, read(`/proc/${pid}/cmdline`)),
        cpuSeconds: cpuSecondsOf(stat),
        memory: memoryOf(rollup),
      }
    })

/** What one program of a tenant uses at rest. */
export interface ProgramUse extends Memory {
  readonly cpuSeconds: number
}

/** Adds up by program. */
export const byProgram = (processes: readonly ProcessUse[]): Map<string, ProgramUse> => {
  const programs = new Map<string, ProgramUse>()
  for (const { program, cpuSeconds, memory } of processes) {
    const sum = programs.get(program) ?? { resident: 0, proportional: 0, anonymous: 0, cpuSeconds: 0 }
    programs.set(program, {
      resident: sum.resident + memory.resident,
      proportional: sum.proportional + memory.proportional,
      anonymous: sum.anonymous + memory.anonymous,
      cpuSeconds: sum.cpuSeconds + cpuSeconds,
    })
  }
  return programs
}
