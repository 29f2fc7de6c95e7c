import { resourceTypes } from '../../apis/resource-types.ts'
import { kubernetesVersions, type TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { type AccessOptions, openAccess } from '../access.ts'
import { withApi } from '../by-api/open.ts'
import { clonedSpec } from '../cloned-spec.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { waitFor } from '../wait-for.ts'
import { readSnapshot } from './read-snapshot.ts'
import { readTenant } from './tenants.ts'

export interface CloneOptions extends AccessOptions {
  /** Seconds to wait until it can be used; 0: not at all. */
  readonly timeout: number
  readonly identitySecret?: string
}

const { tenantControlPlanes: planes } = resourceTypes

/** What the new tenant runs: what the old one ran, where that is still served. */
export const clonedVersion = (saved: string | undefined): string | undefined =>
  kubernetesVersions.find((version) => version === saved)

/** Makes a tenant that begins with the data of a snapshot, by the plan of the one that was saved while that is there, and waits until it can be used. */
export const cloneTenant = async (
  snapshotName: string,
  tenantName: string,
  options: CloneOptions,
  host: CliHost,
): Promise<ExitCode> => {
  const byApi = await withApi(options, host, async (access) =>
    (await import('../by-api/clone.ts')).cloneTenantByApi(snapshotName, tenantName, options, access, host),
  )
  if (byApi !== undefined) return byApi
  const { client, namespace } = await openAccess(options, host.env)
  const { signal } = host
  try {
    const snapshot = await readSnapshot(client, { name: snapshotName, namespace }, signal)
    const source = await client.get<TenantControlPlane>(planes, { name: snapshot.spec.tenantName, namespace }, { signal })
    // Another one of its name is none of its.
    const isSame = source !== undefined && source.metadata.uid === snapshot.status?.tenantUid
    const version = clonedVersion(snapshot.status?.version)
    const identity = options.identitySecret
    await client.create(
      planes,
      {
        apiVersion: `${planes.group}/${planes.version}`,
        kind: planes.kind,
        metadata: { name: tenantName, namespace },
        spec: {
          ...(isSame && clonedSpec(source.spec)),
          ...(version !== undefined && { version }),
          cloneFrom: { snapshotName, ...(identity !== undefined && { identitySecretName: identity }) },
        },
      },
      { signal },
    )
    if (options.timeout === 0) return exitCodes.done
    const look = async () => lookAt(await readTenant(client, { name: tenantName, namespace }, signal))
    const what = `tenant ${tenantName}`
    const late = (message: string) => `${what} cannot be used after ${options.timeout} s: ${message}. It goes on by itself`
    return await waitFor(what, look, { timeout: options.timeout, late }, host)
  } finally {
    await client.close()
  }
}

/** What failed is tried again by the manager; who waits here is told and can mend it. */
const lookAt = ({ status }: TenantControlPlane): { message: string; code?: ExitCode } => {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status === 'True') return { message: 'it can be used', code: exitCodes.done }
  const { restore } = status ?? {}
  if (restore?.phase === 'Failed') return { message: restore.message, code: exitCodes.failed }
  return { message: restore && restore.phase !== 'Done' ? restore.message : (ready?.message ?? 'it is being made') }
}
