import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, startChild } from '../../src/testing/child.ts'
import { cpuSecondsOf, memoryOf } from '../planes/processes.ts'
import { type CpuProfile, type SelfTime, topSelfTime } from '../profile.ts'

export interface NodeProcessOptions {
  readonly name: string
  readonly script: string
  readonly args: readonly string[]
  /** For its log and its profile. */
  readonly folder: string
  readonly profile: boolean
}

/** A process of Berth that is measured from outside. */
export interface NodeProcess {
  readonly child: Child
  /** Seconds of CPU since it started. */
  cpuSeconds(): number
  residentMiB(): number
  /** Ends it in good order; with `profile`, where its time went. */
  end(): Promise<readonly SelfTime[]>
}

const mib = 2 ** 20
const functionsTold = 25

/** Starts a script of Node's. The kernel ends it when this process dies. */
export const startNodeProcess = async (options: NodeProcessOptions): Promise<NodeProcess> => {
  const { name, script, args, folder, profile } = options
  const profiles = join(folder, `profiles-${name}`)
  await mkdir(profiles, { recursive: true })
  const flags = profile ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : []
  const child = startChild(process.execPath, [...flags, script, ...args], join(folder, `${name}.log`))
  return {
    child,
    cpuSeconds: () => cpuSecondsOf(readFileSync(`/proc/${child.pid}/stat`, 'utf8')),
    residentMiB: () => memoryOf(readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8')).resident / mib,
    end: async () => {
      await child.end('SIGTERM')
      const [file] = await readdir(profiles)
      if (file === undefined) return []
      return topSelfTime(JSON.parse(await readFile(join(profiles, file), 'utf8')) as CpuProfile, functionsTold)
    },
  }
}
