import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBinaries } from '../../hack/binaries.ts'
import type { Progress } from '../../hack/progress.ts'
import { type ApiWorld, startApiWorld } from '../../src/testing/api-world.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { freePorts } from '../../src/testing/ports.ts'
import type { SelfTime } from '../profile.ts'
import { type ApiClient, type ApiPlace, createApiClient } from './api-client.ts'
import { type NodeProcess, startNodeProcess } from './node-process.ts'
import type { PlatformOptions } from './options.ts'
import type { ProgramRun } from './timing.ts'

/** Organisation whose tenants are listed; tenants are made in it too. */
export const organization = 'bench'

/** The servers that all stages share, each a process of its own. */
export interface World {
  readonly management: ApiWorld
  /** The API under measurement, started from its sources. */
  readonly process: NodeProcess
  readonly place: ApiPlace
  readonly api: ApiClient
  readonly folder: string
  /** kubectl on management, as its administrator. */
  kubectl(...args: readonly string[]): ProgramRun
  /** Ends all; with `--profile`, where the API's time went. */
  stop(): Promise<readonly SelfTime[]>
}

const root = join(import.meta.dirname, '../..')
/** Nobody is told to wait: the limits are not what is measured. */
const limits = ['--requests-per-second=100000', '--request-burst=100000', '--streams=2000']

const startApi = async (management: ApiWorld, folder: string, { profile }: PlatformOptions) => {
  const [port = 0, healthPort = 0] = await freePorts(2)
  const flags = [`--kubeconfig=${management.api.kubeconfigPath}`, `--port=${port}`, `--health-port=${healthPort}`, ...limits]
  const script = join(root, 'src/bin/api.ts')
  const process = await startNodeProcess({ name: 'api', script, args: flags, folder, profile })
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
  return { process, port }
}

/** Starts management and the API, with an organisation that has a quota. */
export const startWorld = async (options: PlatformOptions, progress: Progress): Promise<World> => {
  const { kubectl } = await ensureBinaries(['kubectl'], { progress })
  const folder = await mkdtemp(join(tmpdir(), 'berth-bench-'))
  const management = await startApiWorld()
  try {
    const { process, port } = await startApi(management, folder, options)
    const place = { port, key: management.platformKey }
    const api = createApiClient(place)
    await api.ask('POST', '/v1/organizations', { name: organization, quota: { tenants: 100_000 } })
    // kubectl keeps what a server serves in the home directory: in ours, so that it is found from the second run on.
    const env = { PATH: globalThis.process.env['PATH'], HOME: folder, KUBECONFIG: management.api.kubeconfigPath }
    return {
      management,
      process,
      place,
      api,
      folder,
      kubectl: (...args) => ({ program: kubectl, args, env }),
      stop: async () => {
        api.close()
        const profile = await process.end()
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
