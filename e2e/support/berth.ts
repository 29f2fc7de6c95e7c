import { join } from 'node:path'
import { attempt } from '../../hack/run.ts'
import { world } from './kubectl.ts'
import { tenantsNamespace } from './tenant.ts'

const cli = join(import.meta.dirname, '../../src/bin/cli.ts')

/** The `berth` command as an operator runs it; `output` is both stdout and stderr. */
export const berth = async (...args: readonly string[]): Promise<{ code: number | undefined; output: string }> => {
  const access = ['-n', tenantsNamespace, '--kubeconfig', world().superKubeconfig]
  const { code, output } = await attempt(process.execPath, [cli, ...args, ...access], { timeoutMs: 300_000 })
  return { code, output }
}
