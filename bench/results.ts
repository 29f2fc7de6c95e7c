import { execFile } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { promisify } from 'node:util'
import type { BenchOptions, WayName } from './options.ts'
import type { SelfTime } from './profile.ts'
import { median } from './stats.ts'

/** One measurement of one way. */
export interface Measurement {
  readonly way: WayName
  readonly round: number
  readonly seconds: number
  readonly podsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Milliseconds of CPU for each pod, by program of the cluster. */
  readonly cpuMsPerPod: Readonly<Record<string, number>>
  /** API writes for each pod, by verb and resource. */
  readonly superWrites: Readonly<Record<string, number>>
  readonly tenantWrites: Readonly<Record<string, number>>
  /** Only where the syncer runs. */
  readonly syncer?: {
    readonly cpuMsPerPod: number
    readonly residentKbPerPod: number
    readonly heapKbPerPod: number
    readonly residentMb: number
  }
}

export interface MachineFacts {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  /** Load of the last minute before anything was measured. */
  readonly loadBefore: number
}

export interface BenchResult {
  readonly date: string
  readonly commit: string
  readonly machine: MachineFacts
  readonly options: BenchOptions
  readonly measurements: readonly Measurement[]
  /** Medians of time, compared; absent when a way was left out. */
  readonly berthToIdeal?: number
  readonly berthToDirect?: number
  readonly profile?: readonly SelfTime[]
}

export const machineFacts = (loadBefore = loadavg()[0] ?? 0): MachineFacts => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  loadBefore,
})

/** The commit of the sources, with a plus when they were changed since; unknown outside of a clone. */
export const commitOfSources = async (): Promise<string> => {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: import.meta.dirname })).stdout.trim()
  try {
    const changed = (await git('status', '--porcelain', '--untracked-files=no', ':/src')) !== ''
    return `${await git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`
  } catch {
    return 'unknown'
  }
}

export const ofWay = (measurements: readonly Measurement[], way: WayName): readonly Measurement[] =>
  measurements.filter((measurement) => measurement.way === way)

/** How many times as long `way` took as `base`, by the medians; undefined when one is missing. */
export const timeRatio = (measurements: readonly Measurement[], way: WayName, base: WayName): number | undefined => {
  const [a, b] = [way, base].map((name) => ofWay(measurements, name).map(({ seconds }) => seconds))
  return a?.length && b?.length ? median(a) / median(b) : undefined
}
