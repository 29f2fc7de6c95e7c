import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { ensureBinaries } from '../hack/binaries.ts'
import { ensureCluster } from '../hack/cluster/index.ts'
import { installBerth } from '../hack/install/index.ts'
import { printProgress } from '../hack/progress.ts'
import { storyPrograms } from './programs.ts'

/** What every story stands on: a super cluster with Berth in it. */
export interface World {
  readonly clusterName: string
  /** Processes of pods can be found from here: nodes are namespaces of this machine. */
  readonly isLocal: boolean
  readonly kubectl: string
  readonly superKubeconfig: string
  readonly nodes: readonly { readonly name: string; readonly ip: string }[]
  /** A folder for kubeconfigs and the like, gone after the last story. */
  readonly dir: string
}

declare module 'vitest' {
  interface ProvidedContext {
    world: World
  }
}

/**
 * Global set-up of the stories: the cluster is brought up, or found, or repaired after the story before, and Berth of these sources is installed. It stays up
 * after. `BERTH_TEST_INSTALLED=1` is for one that has installed Berth there: it stays as it is.
 */
const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const progress = printProgress()
  const cluster = await ensureCluster({ name: process.env['BERTH_TEST_CLUSTER'] ?? 'test', progress })
  if (process.env['BERTH_TEST_INSTALLED'] !== '1') await installBerth(cluster, progress)
  await ensureBinaries(storyPrograms, { progress })
  const dir = await mkdtemp(join(tmpdir(), 'berth-e2e-'))
  project.provide('world', {
    clusterName: cluster.name,
    isLocal: cluster.provider === 'local',
    kubectl: cluster.binaries.kubectl,
    superKubeconfig: cluster.kubeconfigPath,
    nodes: cluster.nodes.map(({ name, ip }) => ({ name, ip })),
    dir,
  })
  return () => rm(dir, { recursive: true, force: true })
}

export default setup
