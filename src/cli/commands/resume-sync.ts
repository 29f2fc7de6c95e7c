import { resourceTypes } from '../../apis/resource-types.ts'
import { resumeSyncAnnotation } from '../../tenancy/marks.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { waitFor } from '../wait-for.ts'
import { readTenant } from './tenants.ts'

export interface ResumeSyncOptions extends AccessOptions {
  /** Seconds to wait for a syncer to look at the tenant; 0: not at all. */
  readonly timeout: number
}

/**
 * An operator's word that what a frozen tenant lost is meant to be gone: the syncer goes on and removes it from super. The word is an annotation with the
 * time it was given, which the syncer hears once. A tenant that no syncer has looked at yet, as just after a restore, is waited for: it may be about to
 * freeze, and a word without a cause would be lost. Throws DEADLINE_EXCEEDED with what was seen last.
 */
export const resumeSync = async (name: string, options: ResumeSyncOptions, host: CliHost): Promise<ExitCode> => {
  const { client, namespace } = await openAccess(options, host.env)
  const look = async () => {
    const { metadata, status } = await readTenant(client, { name, namespace }, host.signal)
    const conditionOf = (type: string) => status?.conditions?.find((condition) => condition.type === type)
    if (conditionOf('Frozen')?.status === 'True') {
      const annotations = { [resumeSyncAnnotation]: new Date(host.now()).toISOString() }
      const body = { metadata: { uid: metadata.uid, annotations } }
      await client.patch(resourceTypes.tenantControlPlanes, { name, namespace }, body, { type: 'merge', signal: host.signal })
      return { code: exitCodes.done, message: 'syncing goes on; what its data store no longer has is removed from super' }
    }
    const sync = conditionOf('SyncReady')
    if (sync?.status !== 'False') return { code: exitCodes.done, message: 'syncing is not frozen: nothing to do' }
    return { message: `no syncer serves it now (${sync.message})` }
  }
  const late = (message: string) => `tenant ${name} cannot be told to go on: ${message}. Say it again when a syncer serves it`
  try {
    return await waitFor(`tenant ${name}`, look, { timeout: options.timeout, late }, host)
  } finally {
    await client.close()
  }
}
