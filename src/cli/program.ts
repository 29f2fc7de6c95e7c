import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { explainError } from '../lib/errors.ts'
import { exitCodeOf, exitCodes, exitCodesHelp } from './exit-codes.ts'
import type { CliHost } from './host.ts'

const outputs = ['table', 'json', 'yaml', 'name']

const number =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!Number.isFinite(value) || value < least) throw new InvalidArgumentError(`a number from ${least} on is needed`)
    return value
  }
const seconds = (text: string): number => number(0)(text.replace(/s$/, ''))

const withAccess = (command: Command): Command =>
  command
    .option('-n, --namespace <namespace>', 'namespace of the TenantControlPlane (default: that of the context)')
    .option(
      '--kubeconfig <file>',
      'kubeconfig of the management cluster (default: KUBECONFIG, ~/.kube/config, or the pod it runs in)',
    )
    .option('--context <name>', 'context of the kubeconfig')
const withOutput = (command: Command): Command =>
  command.addOption(new Option('-o, --output <format>', 'how to print').choices(outputs).default('table'))

const addCerts = (program: Command, host: CliHost, end: (code: number) => void): void => {
  const certs = program.command('certs').description("a tenant's certificates, authorities and keys")
  withOutput(withAccess(certs.command('list <tenant>').alias('ls')))
    .description('list certificates: what for, of which generation, valid until when')
    .action(async (name: string, options) => {
      const { listCertificates } = await import('./commands/certs-list.ts')
      end(await listCertificates(name, options, host))
    })
  const withWait = (command: Command): Command =>
    withAccess(command).option('--wait', 'wait until it is done').option('--timeout <seconds>', 'how long to wait', seconds, 600)
  withWait(certs.command('rotate <tenant>'))
    .description('make new authorities and service-account keys, trusted beside the old ones; without a choice, both')
    .option('--authorities', 'the authorities: cluster, etcd, front proxy')
    .option('--service-account-keys', 'the keys that sign service-account tokens')
    .action(async (name: string, options) => {
      const { rotateKeys } = await import('./commands/certs-rotate.ts')
      end(await rotateKeys(name, options, host))
    })
  withWait(certs.command('cut <tenant>'))
    .description('end a rotation: take the old keys out when nobody is seen to use them any more')
    .option('--now', 'at once, whoever uses them')
    .action(async (name: string, options) => {
      const { cutKeys } = await import('./commands/certs-rotate.ts')
      end(await cutKeys(name, options, host))
    })
}

const superKubeconfigOption = [
  '--super-kubeconfig <file>',
  'kubeconfig of the super cluster (default: the management cluster)',
] as const

/** The command tree. Each command's code is loaded when it runs: `--help` and completion stay quick. */
const commandTree = (host: CliHost, { version, end }: { version: string; end: (code: number) => void }): Command => {
  const program = new Command('berth')
  program
    .description('A Kubernetes cluster of its own for every tenant')
    .version(version)
    .showHelpAfterError('(--help shows how)')
    .addHelpText('after', exitCodesHelp)
    .exitOverride()
    .configureOutput({ writeOut: (text) => void host.stdout.write(text), writeErr: (text) => void host.stderr.write(text) })

  withOutput(withAccess(program.command('verify <tenant>')))
    .description('compare both sides of a tenant, object by object, and list every difference')
    .option(...superKubeconfigOption)
    .option('--rounds <count>', 'rounds in a row a difference must be seen in', number(1), 3)
    .option('--every <seconds>', 'pause between two rounds', seconds, 1)
    .option('--settle <seconds>', 'time for both sides to come to rest', seconds, 30)
    .option('--refused', 'list also what policy keeps out of the super cluster')
    .addHelpText('after', exitCodesHelp)
    .action(async (name: string, options) => {
      const { verify } = await import('./commands/verify.ts')
      end(await verify(name, options, host))
    })

  withOutput(withAccess(program.command('doctor [tenant]')))
    .description('say what is wrong with Berth, its nodes and its tenants, or with one: the root cause, and what to do')
    .option(...superKubeconfigOption)
    .addHelpText('after', exitCodesHelp)
    .action(async (name: string | undefined, options) => {
      const { doctor } = await import('./commands/doctor.ts')
      end(await doctor(name, options, host))
    })

  const explain = program.command('explain').description('say beforehand what something would do')
  withOutput(withAccess(explain.command('change')))
    .description('say what applying a file with TenantControlPlanes would restart, scale, make and take away; writes nothing')
    .requiredOption('-f, --filename <file>', 'YAML or JSON with one or more TenantControlPlanes; - is standard input')
    .addHelpText('after', `\n-o name lists only what would start anew or stop.\n${exitCodesHelp}`)
    .action(async (options) => {
      const { explainChange } = await import('./commands/explain-change.ts')
      end(await explainChange(options, host))
    })

  const tenant = program.command('tenant').description('look at tenants and use them')
  withOutput(withAccess(tenant.command('list').alias('ls')))
    .description('list tenants')
    .option('-A, --all-namespaces', 'those of all namespaces')
    .action(async (options) => {
      const { listTenants } = await import('./commands/tenants.ts')
      end(await listTenants(options, host))
    })
  withOutput(withAccess(tenant.command('get <tenant>')))
    .description('show one tenant and its conditions')
    .action(async (name: string, options) => {
      const { getTenant } = await import('./commands/tenants.ts')
      end(await getTenant(name, options, host))
    })
  withAccess(tenant.command('kubeconfig <tenant>'))
    .description("print the administrator's kubeconfig of a tenant")
    .option('--out <file>', 'write it to a file only you can read')
    .action(async (name: string, options) => {
      const { printKubeconfig } = await import('./commands/tenant-kubeconfig.ts')
      end(await printKubeconfig(name, options, host))
    })
  withAccess(tenant.command('resume-sync <tenant>'))
    .description('go on syncing a tenant that was frozen because its data vanished; what it lost is then removed from super')
    .option('--timeout <seconds>', 'how long to wait for a syncer to look at it, as after a restore; 0: not at all', seconds, 60)
    .action(async (name: string, options) => {
      const { resumeSync } = await import('./commands/resume-sync.ts')
      end(await resumeSync(name, options, host))
    })
  for (const [verb, state, text] of [
    ['pause', 'Paused', 'take the control plane of a tenant to zero; its pods go on running, its data are kept'],
    ['hibernate', 'Hibernated', 'take the control plane and all pods of a tenant to zero; its data and volumes are kept'],
    ['resume', 'Running', 'bring a paused or hibernated tenant back'],
  ] as const) {
    withAccess(tenant.command(`${verb} <tenant>`))
      .description(text)
      .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 120)
      .action(async (name: string, options) => {
        const { setState } = await import('./commands/tenant-state.ts')
        end(await setState(name, state, options, host))
      })
  }
  withAccess(tenant.command('upgrade <tenant> <version>'))
    .description('bring a tenant to another version of Kubernetes; asks once more where that has failed')
    .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 1200)
    .action(async (name: string, version: string, options) => {
      const { upgradeTenant } = await import('./commands/tenant-upgrade.ts')
      end(await upgradeTenant(name, version, options, host))
    })
  addCerts(program, host, end)
  withAccess(tenant.command('connect <tenant> [command...]'))
    .description('run a command, or a shell, whose KUBECONFIG is that of a tenant')
    .addHelpText('after', '\nExample:\n  berth tenant connect acme -- kubectl get pods --all-namespaces')
    .action(async (name: string, command: readonly string[], options) => {
      const { connectTenant } = await import('./commands/tenant-kubeconfig.ts')
      end(await connectTenant(name, command, options, host))
    })
  const snapshot = program.command('snapshot').description('save the data of tenants')
  withAccess(snapshot.command('create <tenant>'))
    .description('save the data of a tenant to where spec.backup.storage says; its name goes to stdout')
    .option('--name <name>', 'name of the snapshot (default: of the tenant and the time)')
    .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 300)
    .action(async (name: string, options) => {
      const { createSnapshot } = await import('./commands/snapshots.ts')
      end(await createSnapshot(name, options, host))
    })
  withOutput(withAccess(snapshot.command('list [tenant]').alias('ls')))
    .description('list snapshots')
    .action(async (name: string | undefined, options) => {
      const { listSnapshots } = await import('./commands/snapshots.ts')
      end(await listSnapshots(name, options, host))
    })
  withAccess(snapshot.command('drill <snapshot>'))
    .description('start an API server on what a snapshot stores, apart from its tenant, and read all of it')
    .option('--identity-secret <name>', 'Secret with the private key of age, for a snapshot that is encrypted')
    .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 600)
    .action(async (name: string, options) => {
      const { drillSnapshot } = await import('./commands/drill.ts')
      end(await drillSnapshot(name, options, host))
    })
  withAccess(program.command('clone <snapshot> <tenant>'))
    .description('make a new tenant that begins with the data of a snapshot, with addresses, keys and volumes of its own')
    .option('--identity-secret <name>', 'Secret with the private key of age, for a snapshot that is encrypted')
    .option('--timeout <seconds>', 'how long to wait until it can be used; 0: not at all', seconds, 300)
    .action(async (snapshotName: string, name: string, options) => {
      const { cloneTenant } = await import('./commands/clone.ts')
      end(await cloneTenant(snapshotName, name, options, host))
    })
  withAccess(program.command('restore <tenant> <snapshot>'))
    .description('put the data of a snapshot in the place of those of its tenant; nothing changes in super before resume-sync')
    .option('--identity-secret <name>', 'Secret with the private key of age, for a snapshot that is encrypted')
    .option('--no-save-first', 'do not save first what the tenant has now, for one whose data store is lost')
    .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 600)
    .action(async (name: string, snapshotName: string, options) => {
      const { restoreTenant } = await import('./commands/snapshots.ts')
      end(await restoreTenant(name, snapshotName, options, host))
    })
  return program
}

/** Runs one command line. Resolves with the exit code; what went wrong is told on stderr. */
export const runCli = async (args: readonly string[], host: CliHost, { version }: { version: string }): Promise<number> => {
  let code: number = exitCodes.done
  const program = commandTree(host, {
    version,
    end: (given) => {
      code = given
    },
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    if (host.signal.aborted) return 130
    host.stderr.write(`berth: ${explainError(error)}\n`)
    return exitCodeOf(error)
  }
}
