import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { tenantOf } from '../tenancy/tenant-view.ts'
import type { TenantEvent } from './told.ts'

/** What fits into a job beside all else, bytes: there each quote of it takes two. */
const maxBodyBytes = 7 * 1024

/** The body of an event: the tenant as the HTTP API shows it, as it is when this is sent. Of a tenant that is gone, or has another in its place, its name. */
export const eventBody = (
  { id, type, time, tenant: name, uid, previousVersion }: TenantEvent,
  organization: string,
  plane: TenantControlPlane | undefined,
): string => {
  const view = plane?.metadata.uid === uid ? tenantOf(plane) : undefined
  const known = { name, organization, uid }
  const bodyWith = (tenant: object): string =>
    JSON.stringify({ id, type, time, organization, ...(previousVersion !== undefined && { previousVersion }), tenant })
  const whole = bodyWith(view ?? known)
  if (!view || Buffer.byteLength(whole) <= maxBodyBytes) return whole
  // A spec may be large, and so may what conditions say: who needs them asks the API.
  const { createdAt, phase, ready, state, version, status } = view
  const { endpoint } = status
  return bodyWith({
    ...known,
    createdAt,
    phase,
    ready,
    state,
    version,
    status: { ...(endpoint !== undefined && { endpoint }) },
    isAbridged: true,
  })
}
