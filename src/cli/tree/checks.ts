import { exitCodesHelp } from '../exit-codes.ts'
import type { Branch } from './branch.ts'
import { number, seconds, superKubeconfigOption, withAccess, withOutput } from './options.ts'

/** `berth verify`, `berth doctor`. */
export const checksBranch: Branch = (program, { run }) => {
  withOutput(withAccess(program.command('verify <tenant>')))
    .description('compare both sides of a tenant, object by object, and list every difference')
    .option(...superKubeconfigOption)
    .option('--rounds <count>', 'rounds in a row a difference must be seen in', number(1), 3)
    .option('--every <seconds>', 'pause between two rounds', seconds, 1)
    .option('--settle <seconds>', 'time for both sides to come to rest', seconds, 30)
    .option('--refused', 'list also what policy keeps out of the super cluster')
    .addHelpText('after', exitCodesHelp)
    .action((name: string, options) => run(async (host) => (await import('../commands/verify.ts')).verify(name, options, host)))

  withOutput(withAccess(program.command('doctor [tenant]')))
    .description('say what is wrong with Berth, its nodes and its tenants, or with one: the root cause, and what to do')
    .option(...superKubeconfigOption)
    .addHelpText('after', exitCodesHelp)
    .action((name: string | undefined, options) =>
      run(async (host) => (await import('../commands/doctor.ts')).doctor(name, options, host)),
    )
}
