import type { Branch } from './branch.ts'
import { withAccess, withOutput, withWait } from './options.ts'

/** `berth certs`. */
export const certsBranch: Branch = (program, { run }) => {
  const certs = program.command('certs').description("a tenant's certificates, authorities and keys")
  withOutput(withAccess(certs.command('list <tenant>').alias('ls')))
    .description('list certificates: what for, of which generation, valid until when')
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/certs-list.ts')).listCertificates(name, options, host)),
    )
  withWait(withAccess(certs.command('rotate <tenant>')), 600)
    .description('make new authorities and service-account keys, trusted beside the old ones; without a choice, both')
    .option('--authorities', 'the authorities: cluster, etcd, front proxy')
    .option('--service-account-keys', 'the keys that sign service-account tokens')
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/certs-rotate.ts')).rotateKeys(name, options, host)),
    )
  withWait(withAccess(certs.command('cut <tenant>')), 600)
    .description('end a rotation: take the old keys out when nobody is seen to use them any more')
    .option('--now', 'at once, whoever uses them')
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/certs-rotate.ts')).cutKeys(name, options, host)),
    )
}
