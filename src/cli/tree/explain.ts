import { exitCodesHelp } from '../exit-codes.ts'
import type { Branch } from './branch.ts'
import { superKubeconfigOption, withAccess, withOutput } from './options.ts'

/** `berth explain`. */
export const explainBranch: Branch = (program, { run }) => {
  const explain = program.command('explain').description('say what something would do, and why an object is as it is')
  withOutput(withAccess(explain.command('change')))
    .description('say what applying a file with TenantControlPlanes would restart, scale, make and take away; writes nothing')
    .requiredOption('-f, --filename <file>', 'YAML or JSON with one or more TenantControlPlanes; - is standard input')
    .addHelpText('after', `\n-o name lists only what would start anew or stop.\n${exitCodesHelp}`)
    .action((options) => run(async (host) => (await import('../commands/explain-change.ts')).explainChange(options, host)))
  withOutput(withAccess(explain.command('object <tenant> <object>')))
    .description(
      'say how an object of a tenant stands: its counterpart in super, what is pending, what went wrong, and who wrote which field',
    )
    .option(...superKubeconfigOption)
    .addHelpText(
      'after',
      `
An object is KIND/NAMESPACE/NAME as the tenant knows it, or KIND/NAME (namespace default, or none). berth verify prints them so.
Example:
  berth explain object acme pods/shop/web
${exitCodesHelp}`,
    )
    .action((name: string, object: string, options) =>
      run(async (host) => (await import('../commands/explain-object.ts')).explainObject({ name, object }, options, host)),
    )
  withOutput(withAccess(explain.command('super <object>')))
    .description('the same, from an object of the super cluster: whose it is, and what it stands for')
    .option(...superKubeconfigOption)
    .addHelpText('after', `\nExample:\n  berth explain super pods/acme-shop-abcdefghijklmnop/web\n${exitCodesHelp}`)
    .action((object: string, options) =>
      run(async (host) => (await import('../commands/explain-object.ts')).explainSuper(object, options, host)),
    )
}
