import { Option } from 'commander'
import { probeImage } from '../../isolation/probe-image.ts'
import { exitCodesHelp } from '../exit-codes.ts'
import { outputFormats } from '../output-formats.ts'
import type { Branch } from './branch.ts'
import { collected, seconds, superKubeconfigOption, withAccess, withOutput } from './options.ts'

/** `berth isolation`. */
export const isolationBranch: Branch = (program, { run }) => {
  const isolation = program
    .command('isolation')
    .description('try whether a tenant is kept from the machines, from super and from others')
  withAccess(isolation.command('verify <tenant>'))
    .description(
      'run the checks of the Multi-Tenancy Benchmarks, and our own, against a tenant: with real objects, each after a compliant twin',
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices([...outputFormats, 'policyreport']).default('table'))
    .option(...superKubeconfigOption)
    .option('--only <check>', 'run this check only; may be given several times', collected)
    .option('--skip <check>', 'leave this check out; may be given several times', collected)
    .option('--record', 'leave the result at the TenantControlPlane, for its condition IsolationVerified')
    .option('--junit <file>', 'write the results as JUnit XML as well')
    .option('--image <image>', "image of the pods, with agnhost's commands", probeImage())
    .option('--wait <seconds>', 'longest wait for a layer to have its say', seconds, 20)
    .addHelpText(
      'after',
      `
It makes namespaces isolation-check-... in the tenant, and one in super for what is foreign, and removes them at the end; what a run that was killed has left
goes with a later one. -o name lists what did not pass.
${exitCodesHelp}`,
    )
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/isolation-verify.ts')).isolationVerify(name, options, host)),
    )
  withOutput(isolation.command('checks'))
    .description('list the checks')
    .addHelpText('after', exitCodesHelp)
    .action((options) => run(async (host) => (await import('../commands/isolation-checks.ts')).isolationChecks(options, host)))
}
