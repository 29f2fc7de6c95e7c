import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBinaries } from '../../hack/binaries.ts'

/** Programs that the harness starts. */
export interface TestBinaries {
  readonly etcd: string
  readonly kubeApiServer: string
}

const inFolders = (folders: readonly string[], program: string): string | undefined =>
  folders.map((folder) => join(folder, program)).find((path) => existsSync(path))

/** From the folders in BERTH_TEST_BIN (`:` between them), else from the cache, made there when missing. */
export const testBinaries = async (): Promise<TestBinaries> => {
  const folders = (process.env['BERTH_TEST_BIN'] ?? '').split(':').filter(Boolean)
  const etcd = inFolders(folders, 'etcd')
  const kubeApiServer = inFolders(folders, 'kube-apiserver')
  if (etcd && kubeApiServer) return { etcd, kubeApiServer }
  const made = await ensureBinaries(['etcd', 'kube-apiserver@1.37'])
  return { etcd: etcd ?? made.etcd, kubeApiServer: kubeApiServer ?? made['kube-apiserver@1.37'] }
}
