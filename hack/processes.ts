import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessId {
  readonly pid: number
  /** Clock ticks between boot and its start: field 22 of /proc/PID/stat (proc(5)). */
  readonly startTime: number
}

/** PF_EXITING of include/linux/sched.h, in field 9 of /proc/PID/stat. */
const exitingFlag = 0x4

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // processes may end at any moment
  }
}

interface ProcessStat extends ProcessId {
  readonly exiting: boolean
}

const processStat = (pid: number): ProcessStat | undefined => {
  const stat = read(`/proc/${pid}/stat`)
  if (!stat) return undefined
  // The second field is the command in brackets and may itself hold brackets and blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined
  return { pid, startTime: Number(fields[19]), exiting: (Number(fields[6]) & exitingFlag) !== 0 }
}

/** The identity of a process; undefined when there is none, or only its zombie. */
export const processId = (pid: number): ProcessId | undefined => {
  const stat = processStat(pid)
  return stat && { pid: stat.pid, startTime: stat.startTime }
}

/** Whether it is still there, be it on its way out: what it holds is not free before this is false. */
export const isAlive = ({ pid, startTime }: ProcessId): boolean => processId(pid)?.startTime === startTime

/** Whether it is there and not on its way out. The first process of a pid namespace may take its time to end. */
export const isRunning = ({ pid, startTime }: ProcessId): boolean => {
  const stat = processStat(pid)
  return stat?.startTime === startTime && !stat.exiting
}

/** All processes that were started with `name=value` in their environment, children included. */
export const processesWithEnv = (name: string, value: string): ProcessId[] => {
  const wanted = `${name}=${value}`
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => read(`/proc/${entry}/environ`)?.split('\0').includes(wanted))
    .flatMap((entry) => processId(Number(entry)) ?? [])
}

/** All processes whose path in a cgroup hierarchy has these words in it. */
export const processesInCgroup = (words: string): ProcessId[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => read(`/proc/${entry}/cgroup`)?.includes(words))
    .flatMap((entry) => processId(Number(entry)) ?? [])

/** What a process was started as: program and arguments with blanks between. */
export const commandLineOf = ({ pid }: ProcessId): string => (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim()

/** The program a process was started as: its first argument. */
export const programOf = ({ pid }: ProcessId): string => (read(`/proc/${pid}/cmdline`) ?? '').split('\0')[0] ?? ''

/** The process that started this one, if it is still there. */
export const parentOf = ({ pid }: ProcessId): ProcessId | undefined => {
  const parent = /^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return parent === undefined ? undefined : processId(Number(parent))
}

/** The pids of a process' children. */
export const childrenOf = (pid: number): number[] =>
  (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)

/** Sends a signal to exactly this process; nothing happens when it is gone. */
export const signal = (id: ProcessId, name: NodeJS.Signals): void => {
  if (!isAlive(id)) return
  try {
    process.kill(id.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Polls until `done` gives something. @throws after `deadlineMs` with what `seen` says. */
export const until = async <T>(
  what: string,
  deadlineMs: number,
  done: () => T | undefined | false | Promise<T | undefined | false>,
  { everyMs = 50, seen = async () => '' }: { everyMs?: number; seen?: () => string | Promise<string> } = {},
): Promise<T> => {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const result = await done()
    if (result !== undefined && result !== false) return result
    if (Date.now() > deadline) throw new Error(`${what}: not within ${deadlineMs / 1000} s. ${await seen()}`.trim())
    await sleep(everyMs)
  }
}

/** Ends processes: SIGTERM, and SIGKILL for those still there after `graceMs`. @throws if even that does not end one. */
export const endProcesses = async (ids: readonly ProcessId[], graceMs: number): Promise<void> => {
  const left = () => ids.filter(isAlive)
  if (graceMs > 0) {
    for (const id of ids) signal(id, 'SIGTERM')
    const soft = Date.now() + graceMs
    while (left().length > 0 && Date.now() < soft) await sleep(20)
  }
  for (const id of left()) signal(id, 'SIGKILL')
  await until('ending processes', 10_000, () => left().length === 0, {
    everyMs: 20,
    seen: () =>
      `still there: ${left()
        .map(({ pid }) => pid)
        .join(' ')}`,
  })
}
