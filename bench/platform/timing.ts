import { spawn } from 'node:child_process'
import { inFlight } from '../in-flight.ts'
import { percentile } from '../stats.ts'
import type { Spread } from './results.ts'

export const spreadOf = (values: readonly number[]): Spread => ({
  count: values.length,
  p50: percentile(values, 0.5),
  p99: percentile(values, 0.99),
})

/** Milliseconds that something takes. */
export const msOf = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Does something `count` times, `lanes` at a time, and gives the milliseconds of each. */
export const timed = async (count: number, lanes: number, work: (index: number) => Promise<unknown>): Promise<number[]> => {
  const values: number[] = []
  await inFlight(count, lanes, async (index) => {
    values.push(await msOf(() => work(index)))
  })
  return values
}

export interface ProgramRun {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Standard input; without it there is none. */
  readonly input?: string
}

/** A run may take this long, ms. */
const runMs = 120_000

/** Runs a program to its end; what it prints is read and forgotten. Throws with its complaint when it fails. */
export const runProgram = ({ program, args, env, input }: ProgramRun, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      signal: AbortSignal.any([signal, AbortSignal.timeout(runMs)]),
    })
    let complaint = ''
    child.stdout.resume()
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk.toString()}`.slice(-2000)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${complaint}`))
    })
    // One that ends before it has read all says so itself.
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
  })
