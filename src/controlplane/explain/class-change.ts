import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantClass } from '../../apis/tenant-class.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { type Applied, applyClass } from '../classes/apply-class.ts'
import { type ClassRevision, revisionOf } from '../classes/revisions.ts'
import type { Plane } from '../components/plane.ts'

/** What a tenant's class says of sizes, for its plane. */
export const sizesOf = ({ status }: TenantControlPlane): Pick<Plane, 'sizes'> => {
  const sizes = status?.class?.sizes as Plane['sizes']
  return sizes ? { sizes } : {}
}

/**
 * The tenant as a change would have it, with the spec that would be in force. A tenant that stays with its class stays at its revision, which its status has;
 * another class it takes as that is now.
 */
export const appliedChange = async (
  wanted: TenantControlPlane,
  stored: TenantControlPlane | undefined,
  { client, signal }: { readonly client: KubeClient; readonly signal: AbortSignal },
): Promise<Applied> => {
  const name = wanted.spec.className
  const status = stored?.status
  const tenant = { ...wanted, ...(status && { status }) }
  if (name === undefined) return applyClass(tenant, { tenantClass: undefined, revision: undefined })
  const tenantClass = await client.get<TenantClass>(resourceTypes.tenantClasses, { name }, { signal })
  if (!tenantClass) return applyClass(tenant, { tenantClass, revision: undefined })
  const noted = status?.class
  const newest = revisionOf(tenantClass, 0)
  const revision =
    noted?.name === name && noted.revision !== undefined
      ? ({
          ...newest,
          metadata: { ...newest.metadata, name: noted.revision },
          data: { defaults: noted.defaults, ...(noted.sizes && { sizes: noted.sizes }) },
        } as ClassRevision)
      : newest
  return applyClass(tenant, { tenantClass, revision })
}
