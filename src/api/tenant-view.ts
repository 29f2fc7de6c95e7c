import { specInForce } from '../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { isReady } from '../tenancy/tenant-view.ts'
import { usersLabels } from '../tenancy/users-labels.ts'

export { isReady, phaseOf, tenantOf, tenantPhases } from '../tenancy/tenant-view.ts'

export interface TenantFilter {
  readonly state?: string | undefined
  readonly version?: string | undefined
  readonly class?: string | undefined
  readonly ready?: boolean | undefined
  /** `key=value`, all of them. */
  readonly label?: readonly string[] | undefined
}

/** True for a tenant that all filters let through. Labels of Berth's own are not there to ask for. */
export const passes = (plane: TenantControlPlane, filter: TenantFilter): boolean => {
  const labels = usersLabels(plane.metadata.labels)
  const spec = specInForce(plane)
  return (
    (filter.state === undefined || spec.state === filter.state) &&
    (filter.version === undefined || (plane.status?.version ?? spec.version) === filter.version) &&
    (filter.class === undefined || plane.spec?.className === filter.class) &&
    (filter.ready === undefined || isReady(plane) === filter.ready) &&
    (filter.label ?? []).every((each) => {
      const at = each.indexOf('=')
      const key = each.slice(0, at)
      return Object.hasOwn(labels, key) && labels[key] === each.slice(at + 1)
    })
  )
}
