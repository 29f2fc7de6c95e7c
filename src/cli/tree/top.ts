import { Option } from 'commander'
import { topOrders } from '../top-orders.ts'
import type { Branch } from './branch.ts'
import { superKubeconfigOption, withAccess, withOutput } from './options.ts'

/** `berth top`. */
export const topBranch: Branch = (program, { run }) => {
  withOutput(withAccess(program.command('top [tenant]')))
    .description('what tenants use: CPU and memory of control planes and pods, and objects in their APIs')
    .option('-A, --all-namespaces', 'tenants of all namespaces')
    .option(...superKubeconfigOption)
    .addOption(new Option('--sort <by>', 'what to sort by, the most first').choices(topOrders).default('name'))
    .option('--no-objects', 'do not ask the API servers of tenants, which takes a request each')
    .action((name: string | undefined, options) =>
      run(async (host) => (await import('../commands/top.ts')).top(name, options, host)),
    )
}
