import { ensureBinaries } from '../../hack/binaries.ts'
import { run } from '../../hack/run.ts'
import { world } from './kubectl.ts'
import type { Tenant } from './tenant.ts'

/** Runs helm as a tenant's administrator, with settings of its own only. */
export type Helm = (args: readonly string[], given?: { timeoutMs?: number }) => Promise<string>

export const helmFor = async ({ kubeconfig }: Pick<Tenant, 'kubeconfig'>): Promise<Helm> => {
  const { helm } = await ensureBinaries(['helm'])
  const { dir } = world()
  const env = { HELM_CONFIG_HOME: `${dir}/helm`, HELM_CACHE_HOME: `${dir}/helm`, HELM_DATA_HOME: `${dir}/helm` }
  return (args, { timeoutMs = 200_000 } = {}) => run(helm, [...args, '--kubeconfig', kubeconfig], { env, timeoutMs })
}
