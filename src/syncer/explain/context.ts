import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import { networksOfFences } from '../network/fences.ts'
import { policiesOf } from '../network/openness.ts'
import type { SyncContext } from '../resource.ts'
import { mirroredKinds } from '../resources/mirrored.ts'
import type { TenantSource } from '../tenant-source.ts'
import { readClaims } from '../verify/claims.ts'
import { objectsOf, readAll } from '../verify/snapshot.ts'
import { classesIn, nodesIn } from '../verify/source.ts'

export interface ContextClients {
  readonly tenantClient: KubeClient
  readonly superClient: KubeClient
  readonly signal: AbortSignal
}

/** What a translation may know of the tenant, read once: super's classes, what is claimed there, and the tenant's nodes. */
export const readContext = async (
  source: TenantSource,
  { tenantClient, superClient, signal }: ContextClients,
): Promise<SyncContext> => {
  const [above, own, claims] = await Promise.all([
    readAll(
      superClient,
      [
        ...mirroredKinds,
        { type: resourceTypes.nodes },
        { type: resourceTypes.networkPolicies, labelSelector: `${tenantLabel}=${source.tenant.uid}` },
      ],
      signal,
    ),
    readAll(tenantClient, [{ type: resourceTypes.nodes }, { type: resourceTypes.networkPolicies }], signal),
    readClaims(source.tenant.uid, { superClient, signal }),
  ])
  return {
    ...source.ctx,
    ...networksOfFences(objectsOf(above, resourceTypes.networkPolicies)),
    ...claims,
    classes: classesIn(above, source),
    nodes: nodesIn(own, above, source),
    policies: policiesOf(objectsOf(own, resourceTypes.networkPolicies)),
  }
}
