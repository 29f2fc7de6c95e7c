import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'

const program = join(import.meta.dirname, '../bin/cli.ts')

/** What a run of `berth` ended with. */
export interface BerthRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface BerthOptions {
  readonly kubeconfigPath: string
  readonly env?: Readonly<Record<string, string>>
  /** Standard input; without it there is none. */
  readonly input?: string
}

const envOf = ({ kubeconfigPath, env }: BerthOptions) => ({
  ...process.env,
  KUBECONFIG: kubeconfigPath,
  NO_COLOR: '1',
  ...env,
})

/** Runs `berth` as people do, from its sources. */
export const runBerth = (args: readonly string[], options: BerthOptions): Promise<BerthRun> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { env: envOf(options), timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err })
    })
    child.stdin?.end(options.input ?? '')
  })

/** The same on a terminal of its own, where `input` is typed. What it prints is all in `out`. */
export const runBerthOnTerminal = (args: readonly string[], options: BerthOptions): Promise<BerthRun> =>
  new Promise((resolve) => {
    const quoted = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
    const terminal = ['-qec', quoted, '/dev/null']
    const child = execFile('script', terminal, { env: envOf(options), timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err })
    })
    // What is typed before somebody reads waits in the terminal.
    child.stdin?.write(options.input ?? '')
  })

/** A run that is looked at while it lasts. */
export interface RunningBerth {
  readonly child: ChildProcess
  /** What it has printed so far. */
  readonly seen: () => { readonly out: string; readonly err: string }
  /** Resolves when it has ended; the code is that of a shell: 128 and the number for one that a signal ended. */
  readonly ended: Promise<BerthRun>
}

/** Starts `berth` without waiting for its end. */
export const startBerth = (args: readonly string[], options: BerthOptions): RunningBerth => {
  const child = spawn(process.execPath, [program, ...args], { env: envOf(options), stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  const ended = new Promise<BerthRun>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: code ?? 128 + constants.signals[signal ?? 'SIGKILL'], out, err }))
  })
  return { child, seen: () => ({ out, err }), ended }
}
