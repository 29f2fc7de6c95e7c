import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { eventually } from './eventually.ts'

/** A program that a test started, ended by its own pid. */
export interface Child {
  readonly pid: number
  /** Undefined while it runs. */
  readonly exit: () => string | undefined
  readonly signal: (name: NodeJS.Signals) => void
  /** Stops it with SIGSTOP: resolves when all its threads stand still. Before that one of them may still answer. */
  readonly freeze: () => Promise<void>
  /** SIGTERM (or another), and SIGKILL when it has not ended within five seconds. */
  readonly end: (first?: NodeJS.Signals) => Promise<void>
  /** End of what it wrote. */
  readonly logTail: () => Promise<string>
}

/** State of each thread, as Linux says it (proc_pid_stat(5)): the first letter after the name in brackets. */
const isStopped = async (pid: number): Promise<boolean> => {
  const threads = await readdir(`/proc/${pid}/task`)
  const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '')))
  return stats.every((stat) => stat === '' || stat.slice(stat.lastIndexOf(')') + 2).startsWith('T'))
}

/** Starts a program with its output in a file. The kernel kills it when this process dies, so that no test leaves one behind. */
export const startChild = (program: string, args: readonly string[], logPath: string): Child => {
  const log = openSync(logPath, 'a')
  const child: ChildProcess = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], { stdio: ['ignore', log, log] })
  closeSync(log)
  let exit: string | undefined
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      exit = error.message
      resolve()
    })
    child.once('exit', (code, signal) => {
      exit = signal ?? `code ${code}`
      resolve()
    })
  })
  return {
    pid: child.pid ?? -1,
    exit: () => exit,
    signal: (name) => void child.kill(name),
    freeze: async () => {
      child.kill('SIGSTOP')
      await eventually(() => isStopped(child.pid ?? -1), { describe: 'all threads to stand still', everyMs: 5 })
    },
    end: async (first = 'SIGTERM') => {
      if (exit !== undefined) return
      child.kill('SIGCONT') // a stopped process does not see SIGTERM
      child.kill(first)
      const hard = setTimeout(() => child.kill('SIGKILL'), 5000)
      await ended
      clearTimeout(hard)
    },
    logTail: async () => (await readFile(logPath, 'utf8').catch(() => '')).slice(-4000),
  }
}
