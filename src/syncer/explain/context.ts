import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { viewOf } from '../own-nodes.ts'
import type { SyncContext } from '../resource.ts'
import { mirroredKinds } from '../resources/mirrored.ts'
import type { TenantSource } from '../tenant-source.ts'
import { objectsOf, readAll } from '../verify/snapshot.ts'
import { classesIn } from '../verify/source.ts'

export interface ContextClients {
  readonly tenantClient: KubeClient
  readonly superClient: KubeClient
  readonly signal: AbortSignal
}

/** What a translation may know of the tenant, read once: super's classes and the tenant's nodes. */
export const readContext = async (
  source: TenantSource,
  { tenantClient, superClient, signal }: ContextClients,
): Promise<SyncContext> => {
  const [above, own] = await Promise.all([
    readAll(superClient, mirroredKinds, signal),
    readAll(tenantClient, [{ type: resourceTypes.nodes }], signal),
  ])
  return { ...source.ctx, classes: classesIn(above, source), nodes: viewOf(objectsOf(own, resourceTypes.nodes)) }
}
