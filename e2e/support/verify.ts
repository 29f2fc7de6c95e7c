import { join } from 'node:path'
import { attempt } from '../../hack/run.ts'
import { world } from './kubectl.ts'
import { type Tenant, tenantsNamespace } from './tenant.ts'

const cli = join(import.meta.dirname, '../../src/bin/cli.ts')

/** `berth verify` as an operator runs it. */
export const verify = async (tenant: Tenant): Promise<{ code: number | undefined; output: string }> => {
  const args = [cli, 'verify', tenant.name, '-n', tenantsNamespace, '--kubeconfig', world().superKubeconfig]
  const { code, output } = await attempt(process.execPath, args, { timeoutMs: 90_000 })
  return { code, output }
}
