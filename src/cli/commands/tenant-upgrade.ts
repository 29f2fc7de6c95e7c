import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { withApi } from '../by-api/open.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { codeOf, waitFor } from '../wait-for.ts'
import { readTenant } from './tenants.ts'

export interface UpgradeOptions extends AccessOptions {
  /** Seconds to wait for its end; 0: not at all. */
  readonly timeout: number
}

/** How far a tenant is on its way to a version, as the manager said of the spec that asks for it. */
export const upgradeProgressOf = (
  { metadata, status }: Pick<TenantControlPlane, 'metadata' | 'status'>,
  version: string,
): { readonly kind: 'there' | 'refused' | 'under way'; readonly message: string } => {
  const { upgrade, observedGeneration, version: runs } = status ?? {}
  if (observedGeneration === undefined || observedGeneration < (metadata.generation ?? 0))
    return { kind: 'under way', message: 'the manager has not looked at it yet' }
  if (upgrade?.to !== version || upgrade.phase === 'Done')
    return runs === version
      ? { kind: 'there', message: `${version} runs` }
      : { kind: 'under way', message: `${runs ?? 'nothing'} runs yet` }
  return { kind: upgrade.phase === 'Failed' ? 'refused' : 'under way', message: `${upgrade.phase}: ${upgrade.message}` }
}

/**
 * Sets `spec.version`, and asks for it once more where it has failed before; waits until that version runs or was given up. What is waited for is told on stderr
 * whenever it changes. Throws DEADLINE_EXCEEDED with what was seen last.
 */
export const upgradeTenant = async (name: string, version: string, options: UpgradeOptions, host: CliHost): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) =>
    (await import('../by-api/tenant-life.ts')).changeTenantByApi(name, { kind: 'upgrade', version }, options, access, host),
  )
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const { metadata, status } = await readTenant(client, { name, namespace }, host.signal)
    const isAgain = status?.upgrade?.phase === 'Failed' && status.upgrade.to === version
    const upgrade = isAgain ? { upgrade: { requestedAt: new Date(host.now()).toISOString() } } : {}
    const body = { metadata: { uid: metadata.uid }, spec: { version, ...upgrade } }
    await client.patch(resourceTypes.tenantControlPlanes, { name, namespace }, body, { type: 'merge', signal: host.signal })
    if (options.timeout === 0) return exitCodes.done
    const look = async () => {
      const { kind, message } = upgradeProgressOf(await readTenant(client, { name, namespace }, host.signal), version)
      return { code: codeOf(kind, exitCodes), message }
    }
    const late = (message: string) =>
      `tenant ${name} does not run ${version} after ${options.timeout} s: ${message}. It goes on by itself; berth tenant get ${name} shows how`
    return await waitFor(`tenant ${name}`, look, { timeout: options.timeout, late }, host)
  } finally {
    await client.close()
  }
}
