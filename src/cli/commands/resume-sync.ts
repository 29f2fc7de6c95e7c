import { resourceTypes } from '../../apis/resource-types.ts'
import { resumeSyncAnnotation } from '../../tenancy/marks.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { readTenant } from './tenants.ts'

/**
 * An operator's word that what a frozen tenant lost is meant to be gone: the syncer goes on and removes it from super. The word is an annotation with the
 * time it was given, which the syncer hears once.
 */
export const resumeSync = async (name: string, options: AccessOptions, host: CliHost): Promise<ExitCode> => {
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const plane = await readTenant(client, { name, namespace }, host.signal)
    const frozen = plane.status?.conditions?.find(({ type, status }) => type === 'Frozen' && status === 'True')
    if (!frozen) {
      const sync = plane.status?.conditions?.find(({ type }) => type === 'SyncReady')
      if (sync?.status !== 'False') {
        host.stderr.write(`syncing of tenant ${name} is not frozen: nothing to do\n`)
        return exitCodes.done
      }
      // It may be about to freeze.
      host.stderr.write(`no syncer serves tenant ${name} now (${sync.message}): say it again when one does\n`)
      return exitCodes.failed
    }
    const annotations = { [resumeSyncAnnotation]: new Date(host.now()).toISOString() }
    const body = { metadata: { uid: plane.metadata.uid, annotations } }
    await client.patch(resourceTypes.tenantControlPlanes, { name, namespace }, body, { type: 'merge', signal: host.signal })
    host.stderr.write(`syncing of tenant ${name} goes on; what its data store no longer has is removed from super\n`)
    return exitCodes.done
  } finally {
    await client.close()
  }
}
