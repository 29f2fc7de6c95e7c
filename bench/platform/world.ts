import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBinaries } from '../../hack/binaries.ts'
import type { Progress } from '../../hack/progress.ts'
import { type ApiWorld, startApiWorld } from '../../src/testing/api-world.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { freePorts } from '../../src/testing/ports.ts'
import type { SelfTime } from '../profile.ts'
import { type ApiClient, createApiClient } from './api-client.ts'
import { type NodeProcess, startNodeProcess } from './node-process.ts'
import type { PlatformOptions } from './options.ts'
import type { ProgramRun } from './timing.ts'

/** Organisation whose tenants are listed; tenants are made in it too. */
export const organization = 'bench'

/** The servers that all stages share, each a process of its own. */
export interface World {
  readonly management: ApiWorld
  /** Of the API under measurement, which was started from its sources. */
  readonly api: ApiClient
  /** Another process of it, with nothing behind it. */
  startApi(name: string): Promise<ApiProcess>
  readonly folder: string
  /** kubectl on management, as its administrator. */
  kubectl(...args: readonly string[]): ProgramRun
  /** Ends all; with `--profile`, where the API's time went. */
  stop(): Promise<readonly SelfTime[]>
}

const root = join(import.meta.dirname, '../..')
/** Nobody is told to wait: the limits are not what is measured. */
const limits = ['--requests-per-second=100000', '--request-burst=100000', '--streams=2000']

export interface ApiProcess {
  readonly process: NodeProcess
  readonly api: ApiClient
  /** Ends it; with `--profile`, where its time went. */
  stop(): Promise<readonly SelfTime[]>
}

const startApi = async (
  name: string,
  management: ApiWorld,
  folder: string,
  { profile }: PlatformOptions,
): Promise<ApiProcess> => {
  const [port = 0, healthPort = 0] = await freePorts(2)
  const flags = [`--kubeconfig=${management.api.kubeconfigPath}`, `--port=${port}`, `--health-port=${healthPort}`, ...limits]
  const script = join(root, 'src/bin/api.ts')
  const process = await startNodeProcess({ name, script, args: flags, folder, profile })
  const isReady = async () => {
    if (process.child.exit() !== undefined) throw new Error(`the API ended: ${await process.child.logTail()}`)
    return (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) })).ok
  }
  try {
    await eventually(isReady, { deadlineMs: 60_000, describe: 'the API to be ready' })
  } catch (error) {
    await process.end()
    throw error
  }
  const api = createApiClient({ port, key: management.platformKey })
  return {
    process,
    api,
    stop: () => {
      api.close()
      return process.end()
    },
  }
}

/** Starts management and the API, with an organisation that has a quota. */
export const startWorld = async (options: PlatformOptions, progress: Progress): Promise<World> => {
  const { kubectl } = await ensureBinaries(['kubectl'], { progress })
  const folder = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  const management = await startApiWorld()
  try {
    const first = await startApi('api', management, folder, options)
    await first.api.ask('POST', '/v1/organizations', { name: organization, quota: { tenants: 100_000 } })
    // kubectl keeps what a server serves in the home directory: in ours, so that it is found from the second run on.
    const env = { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: management.api.kubeconfigPath }
    return {
      management,
      api: first.api,
      startApi: (name) => startApi(name, management, folder, options),
      folder,
      kubectl: (...args) => ({ program: kubectl, args, env }),
      stop: async () => {
        const profile = await first.stop()
        await management.stop()
        await rm(folder, { recursive: true, force: true })
        return profile
      },
    }
  } catch (error) {
    await management.stop()
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}
