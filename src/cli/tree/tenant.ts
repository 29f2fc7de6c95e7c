import { type Command, Option } from 'commander'
import type { Branch, TreeDeps } from './branch.ts'
import { collected, seconds, superKubeconfigOption, withAccess, withOutput, withWait } from './options.ts'

const reads = (tenant: Command, { run }: TreeDeps): void => {
  withOutput(withAccess(tenant.command('list').alias('ls')))
    .description('list tenants')
    .option('-A, --all-namespaces', 'those of all namespaces')
    .option('-l, --selector <labels>', 'only those with these labels, for example team=blue,stage!=test')
    .option('--class <class>', 'only those of this TenantClass')
    .option('--ready', 'only those that are ready')
    .option('--no-ready', 'only those that are not')
    .action((options) => run(async (host) => (await import('../commands/tenants.ts')).listTenants(options, host)))
  withOutput(withAccess(tenant.command('get <tenant>')))
    .description('show one tenant and its conditions')
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/tenants.ts')).getTenant(name, options, host)),
    )
}

const life = (tenant: Command, { run }: TreeDeps): void => {
  withOutput(withWait(withAccess(tenant.command('create <new-tenant>')), 300))
    .description('make a tenant')
    .option('--class <class>', 'TenantClass: the plan that fills in what is not said here')
    .option('--version <version>', 'version of Kubernetes, for example v1.37.1 (default: that of the class, or the newest)')
    .option('--size <size>', 'requests and limits of the control plane: small, medium, large')
    .option('--state <state>', 'Running, Paused or Hibernated')
    .option('-f, --filename <file>', 'TenantControlPlane to start from, as YAML or JSON; - is standard input')
    .option(
      '--set <path=value>',
      'a field of the spec, for example apiServer.replicas=2; the value is YAML; may be given several times',
      collected,
    )
    .option('--dry-run', 'let the API server check it, print what would be stored, and make nothing')
    .addHelpText(
      'after',
      `
What options say goes over what the file says. A dot within a name is written \\. in a path.
Example:
  berth tenant create acme --class gold --set dataStore.replicas=3 --wait`,
    )
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/tenant-create.ts')).createTenant(name, options, host)),
    )
  withWait(withAccess(tenant.command('delete <tenant>')), 300)
    .description('delete a tenant with all that is in it; says first what goes and what stays')
    .option('--yes', 'do not ask')
    .option(...superKubeconfigOption)
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/tenant-delete.ts')).deleteTenant(name, options, host)),
    )
  for (const [verb, state, text] of [
    ['pause', 'Paused', 'take the control plane of a tenant to zero; its pods go on running, its data are kept'],
    ['hibernate', 'Hibernated', 'take the control plane and all pods of a tenant to zero; its data and volumes are kept'],
    ['resume', 'Running', 'bring a paused or hibernated tenant back'],
  ] as const) {
    withAccess(tenant.command(`${verb} <tenant>`))
      .description(text)
      .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 120)
      .action((name: string, options) =>
        run(async (host) => (await import('../commands/tenant-state.ts')).setState(name, state, options, host)),
      )
  }
  withAccess(tenant.command('upgrade <tenant> <version>'))
    .description('bring a tenant to another version of Kubernetes; asks once more where that has failed')
    .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 1200)
    .action((name: string, version: string, options) =>
      run(async (host) => (await import('../commands/tenant-upgrade.ts')).upgradeTenant(name, version, options, host)),
    )
  withAccess(tenant.command('resume-sync <tenant>'))
    .description('go on syncing a tenant that was frozen because its data vanished; what it lost is then removed from super')
    .option('--timeout <seconds>', 'how long to wait for a syncer to look at it, as after a restore; 0: not at all', seconds, 60)
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/resume-sync.ts')).resumeSync(name, options, host)),
    )
}

const access = (tenant: Command, { run }: TreeDeps): void => {
  withAccess(tenant.command('kubeconfig <tenant>'))
    .description("print the administrator's kubeconfig of a tenant")
    .addOption(new Option('--out <file>', 'write it to a file only you can read'))
    .option('--expires-in <seconds>', 'when one that the API makes ends (default: after 24 hours, the longest)', seconds)
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/tenant-kubeconfig.ts')).printKubeconfig(name, options, host)),
    )
  withAccess(tenant.command('connect <tenant> [command...]'))
    .description('run a command, or a shell, whose KUBECONFIG is that of a tenant')
    .addHelpText('after', '\nExample:\n  berth tenant connect acme -- kubectl get pods --all-namespaces')
    .action((name: string, command: readonly string[], options) =>
      run(async (host) => (await import('../commands/tenant-connect.ts')).connectTenant(name, command, options, host)),
    )
}

/** `berth tenant`. */
export const tenantBranch: Branch = (program, deps) => {
  const tenant = program.command('tenant').description('make tenants, look at them, use them and take them away')
  reads(tenant, deps)
  life(tenant, deps)
  access(tenant, deps)
}
