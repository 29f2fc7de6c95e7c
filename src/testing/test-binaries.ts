import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBinaries } from '../../hack/binaries.ts'
import type { Progress } from '../../hack/progress.ts'

/** Programs that the harness starts. */
export interface TestBinaries {
  readonly etcd: string
  readonly kubeApiServer: string
}

const inFolders = (folders: readonly string[], program: string): string | undefined =>
  folders.map((folder) => join(folder, program)).find((path) => existsSync(path))

/** Kubernetes minors that a tenant may run, newest first. */
export const servedMinors = ['1.37', '1.36'] as const
export type ServedMinor = (typeof servedMinors)[number]

/** From the folders in BERTH_TEST_BIN (`:` between them; they hold the newest minor), else from the cache, made there when missing. */
export const testBinaries = async (minor: ServedMinor = servedMinors[0], progress?: Progress): Promise<TestBinaries> => {
  const folders = (process.env['BERTH_TEST_BIN'] ?? '').split(':').filter(Boolean)
  const etcd = inFolders(folders, 'etcd')
  const kubeApiServer = inFolders(folders, 'kube-apiserver')
  if (etcd && kubeApiServer && minor === servedMinors[0]) return { etcd, kubeApiServer }
  const made = await ensureBinaries(['etcd', `kube-apiserver@${minor}`], progress && { progress })
  const apiServer = minor === servedMinors[0] ? kubeApiServer : undefined
  return { etcd: etcd ?? made.etcd, kubeApiServer: apiServer ?? made[`kube-apiserver@${minor}`] }
}
