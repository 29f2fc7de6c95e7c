import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** A program that a test started, ended by its own pid. */
export interface Child {
  readonly pid: number
  /** Undefined while it runs. */
  readonly exit: () => string | undefined
  readonly signal: (name: NodeJS.Signals) => void
  /** SIGTERM (or another), and SIGKILL when it has not ended within five seconds. */
  readonly end: (first?: NodeJS.Signals) => Promise<void>
  /** End of what it wrote. */
  readonly logTail: () => Promise<string>
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
