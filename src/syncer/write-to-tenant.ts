import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { beginDetour, endDetour } from './detour.ts'
import type { SyncedResource, TenantWrite } from './resource.ts'
import { informerOf, type SyncDeps } from './sides.ts'
import { ensureNode } from './sync-node.ts'

export const refOf = ({ metadata }: KubeObject) => ({
  name: metadata.name ?? '',
  ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
})

/** Carries out one write by which the tenant sees what super says. */
export const writeToTenant = async (
  write: TenantWrite,
  { type }: SyncedResource,
  tenantObject: KubeObject,
  deps: SyncDeps,
): Promise<void> => {
  const { tenant } = deps
  const { uid = '' } = tenantObject.metadata
  const cache = informerOf(tenant.informers, kindKey(type))
  const ref = refOf(tenantObject)
  switch (write.kind) {
    case 'bind': {
      if (tenant.justBound.has(uid)) return
      await ensureNode(write.node, deps)
      await tenant.tenantClient
        .create(
          type,
          {
            apiVersion: 'v1',
            kind: 'Binding',
            metadata: { ...ref, uid },
            target: { apiVersion: 'v1', kind: 'Node', name: write.node },
          },
          { subresource: 'binding' },
        )
        .catch((error: unknown) => {
          // Bound already, by a process that ended: the watch shows it soon.
          if (!hasCode(error, 'KUBE_CONFLICT', 'KUBE_ALREADY_EXISTS')) throw error
        })
      tenant.justBound.add(uid)
      return
    }
    case 'status':
      cache.observe(
        await tenant.tenantClient.patch(
          type,
          ref,
          { metadata: { uid, ...(write.annotations && { annotations: write.annotations }) }, status: write.status },
          { type: 'merge', subresource: 'status' },
        ),
      )
      return
    case 'patch':
      cache.observe(
        await tenant.tenantClient.patch(
          type,
          ref,
          { ...write.body, metadata: { ...(write.body.metadata as object | undefined), uid } },
          { type: 'merge' },
        ),
      )
      if (write.note) tenant.recorder.record(tenantObject, { type: 'Normal', ...write.note })
      return
    case 'detour':
      await endDetour(type, await beginDetour(type, tenantObject, write, tenant), tenant)
  }
}
