import { isApiError, type NewTenant, type Tenant } from '../../client/index.ts'
import { clonedSpec } from '../cloned-spec.ts'
import { type CloneOptions, clonedVersion } from '../commands/clone.ts'
import type { ExitCode } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { followOperation } from './follow.ts'
import type { ApiAccess } from './open.ts'

/** The tenant that was saved, while it is there: a younger one of its name is none of it. */
const sourceOf = async (
  { tenant, createdAt }: { readonly tenant: string; readonly createdAt: string },
  { berth, organization }: ApiAccess,
  signal: AbortSignal,
): Promise<Tenant | undefined> => {
  try {
    const { body } = await berth.getTenant({ org: organization, tenant }, { signal })
    return Date.parse(body.createdAt) <= Date.parse(createdAt) ? body : undefined
  } catch (error) {
    if (isApiError(error, 'TENANT_NOT_FOUND')) return undefined
    throw error
  }
}

/** Makes a tenant that begins with the data of a snapshot, by the plan of the one that was saved while that is there, and waits until it can be used. */
export const cloneTenantByApi = async (
  snapshotName: string,
  tenantName: string,
  { identitySecret, timeout }: Pick<CloneOptions, 'identitySecret' | 'timeout'>,
  access: ApiAccess,
  host: CliHost,
): Promise<ExitCode> => {
  const { berth, organization } = access
  const { signal } = host
  const { body: snapshot } = await berth.getSnapshot({ org: organization, snapshot: snapshotName }, { signal })
  const source = await sourceOf(snapshot, access, signal)
  const version = clonedVersion(snapshot.version)
  const spec = {
    ...(source && clonedSpec(source.spec)),
    ...(version !== undefined && { version }),
    cloneFrom: { snapshotName, ...(identitySecret !== undefined && { identitySecretName: identitySecret }) },
  }
  const body = { name: tenantName, spec } as NewTenant
  const { body: operation } = await berth.createTenant({ org: organization, body }, { signal })
  return followOperation(operation, { berth, what: `tenant ${tenantName}`, timeout }, host)
}
