import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDir } from '../cache.ts'
import type { LocalCluster } from '../cluster/index.ts'
import type { Kubectl } from '../cluster/kubectl.ts'
import { replaceFile } from '../cluster/state.ts'

const cliSource = join(import.meta.dirname, '../../src/bin/cli.ts')

/** What a person needs to go on by hand. With a local cluster it lies in the cluster's folder and goes with it. */
export interface Workbench {
  /** Folder with `kubectl`, `berth` and `kubectl berth`, for the PATH. */
  readonly binDir: string
  /** The tenant's kubeconfig, as its administrator gets it. */
  readonly tenantKubeconfig: string
}

/** Takes the tenant's kubeconfig out of its Secret into a file only the owner can read. */
export const saveTenantKubeconfig = async (
  kubectl: Kubectl,
  path: string,
  tenant: string,
  namespace = 'default',
): Promise<void> => {
  const encoded = await kubectl(['get', 'secret', `${tenant}-kubeconfig`, '-n', namespace, '-o', 'jsonpath={.data.value}'])
  await replaceFile(path, Buffer.from(encoded, 'base64').toString('utf8'), 0o600)
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Puts kubectl and the berth command into `bin` of a folder, and gives that folder for the PATH. */
export const linkPrograms = async (dir: string, kubectl: string): Promise<string> => {
  const binDir = join(dir, 'bin')
  await mkdir(binDir, { recursive: true })
  const kubectlLink = join(binDir, 'kubectl')
  await rm(kubectlLink, { force: true })
  await symlink(kubectl, kubectlLink)
  await mkdir(join(dir, 'programs'), { recursive: true })
  for (const name of ['berth', 'kubectl-berth', 'kubectl_complete-berth']) {
    // It goes by the name that it is called by.
    const program = join(dir, 'programs', name)
    await rm(program, { force: true })
    await symlink(cliSource, program)
    const command = join(binDir, name)
    await writeFile(command, `#!/bin/sh\nexec ${shellQuoted(process.execPath)} ${shellQuoted(program)} "$@"\n`)
    await chmod(command, 0o755)
  }
  return binDir
}

/** Puts kubectl, the berth command and the tenant's kubeconfig where they are easy to use. */
export const makeWorkbench = async (cluster: LocalCluster, kubectl: Kubectl, tenant: string): Promise<Workbench> => {
  const dir = cluster.provider === 'local' ? dirname(cluster.kubeconfigPath) : join(cacheDir(), 'demo', cluster.name)
  const binDir = await linkPrograms(dir, cluster.binaries.kubectl)
  const tenantKubeconfig = join(dir, `${tenant}.kubeconfig`)
  await saveTenantKubeconfig(kubectl, tenantKubeconfig, tenant)
  return { binDir, tenantKubeconfig }
}
