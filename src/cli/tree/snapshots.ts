import type { Branch } from './branch.ts'
import { identityOption, seconds, withAccess, withOutput } from './options.ts'

/** `berth snapshot`, `berth clone`, `berth restore`. */
export const snapshotsBranch: Branch = (program, { run }) => {
  const snapshot = program.command('snapshot').description('save the data of tenants')
  withAccess(snapshot.command('create <tenant>'))
    .description('save the data of a tenant to where spec.backup.storage says; its name goes to stdout')
    .option('--name <name>', 'name of the snapshot (default: of the tenant and the time)')
    .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 300)
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/snapshots.ts')).createSnapshot(name, options, host)),
    )
  withOutput(withAccess(snapshot.command('list [tenant]').alias('ls')))
    .description('list snapshots')
    .action((name: string | undefined, options) =>
      run(async (host) => (await import('../commands/snapshots.ts')).listSnapshots(name, options, host)),
    )
  withAccess(snapshot.command('drill <snapshot>'))
    .description('start an API server on what a snapshot stores, apart from its tenant, and read all of it')
    .option(...identityOption)
    .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 600)
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/drill.ts')).drillSnapshot(name, options, host)),
    )
  withAccess(program.command('clone <snapshot> <new-tenant>'))
    .description('make a new tenant that begins with the data of a snapshot, with addresses, keys and volumes of its own')
    .option(...identityOption)
    .option('--timeout <seconds>', 'how long to wait until it can be used; 0: not at all', seconds, 300)
    .action((snapshotName: string, name: string, options) =>
      run(async (host) => (await import('../commands/clone.ts')).cloneTenant(snapshotName, name, options, host)),
    )
  withAccess(program.command('restore <tenant> <snapshot>'))
    .description('put the data of a snapshot in the place of those of its tenant; nothing changes in super before resume-sync')
    .option(...identityOption)
    .option('--no-save-first', 'do not save first what the tenant has now, for one whose data store is lost')
    .option('--timeout <seconds>', 'how long to wait for it; 0: not at all', seconds, 600)
    .action((name: string, snapshotName: string, options) =>
      run(async (host) => (await import('../commands/snapshots.ts')).restoreTenant(name, snapshotName, options, host)),
    )
}
