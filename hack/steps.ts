import { spawn } from 'node:child_process'

/** A command of `make check` or `make test`. */
export interface Step {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

export interface StepResult {
  readonly name: string
  readonly ok: boolean
  readonly seconds: number
  readonly output: string
}

/** The steps that need nothing but the source. */
export const sourceSteps: readonly Step[] = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'lint', command: ['oxlint', '--type-aware'] },
  { name: 'format', command: ['biome', 'check', '--linter-enabled=false'] },
  { name: 'dead code', command: ['knip'] },
]

/** Runs a step, keeping what it prints. With `live`, passes it on to standard error as it comes. `stop` ends it. */
export const runStep = async (
  { name, command }: Step,
  { live = false, env = {}, stop }: { live?: boolean; env?: Record<string, string>; stop?: AbortSignal } = {},
): Promise<StepResult> => {
  const began = Date.now()
  const [program, ...args] = command
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(stop && { signal: stop }),
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (live) process.stderr.write(chunk)
    })
  }
  // That it could not be started, or was stopped. It has ended only when it is closed.
  child.on('error', (error) => {
    output += `${name}: ${error.message}\n`
  })
  const code = await new Promise<number | null>((resolve) => {
    child.on('close', resolve)
  })
  return { name, ok: code === 0 && !stop?.aborted, seconds: (Date.now() - began) / 1000, output }
}

/** One line for a finished step, and what it printed when it failed. */
export const report = ({ name, ok, seconds, output }: StepResult): string =>
  `${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(12)} ${seconds.toFixed(1).padStart(6)}s${ok ? '' : `\n${output.trim()}`}`
