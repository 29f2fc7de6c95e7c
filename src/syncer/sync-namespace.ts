import type { KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf, resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { managedByBerth, managedByLabel, tenantLabel } from '../tenancy/marks.ts'
import {
  customKindsClusterRole,
  superNamespace,
  tenantClusterRole,
  tenantIdentityName,
  tenantIdentityNamespace,
  workloadServiceAccount,
} from '../tenancy/names.ts'
import type { SyncContext } from './resource.ts'
import type { SyncDeps } from './sides.ts'
import { ensureFences } from './sync-fences.ts'

/** What every super namespace holds besides synced objects: the tenant identity's rights there, and the account its pods carry. */
export const namespaceFittings = (ctx: SyncContext, namespace: string): readonly KubeObject[] => {
  const labels = { [tenantLabel]: ctx.tenant.uid, [managedByLabel]: managedByBerth }
  const binding = (name: string, role: string): KubeObject => ({
    apiVersion: apiVersionOf(resourceTypes.roleBindings),
    kind: 'RoleBinding',
    metadata: { name, namespace, labels },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: tenantIdentityName(ctx.tenant.uid), namespace: tenantIdentityNamespace }],
  })
  return [
    binding('berth-tenant', tenantClusterRole),
    ...(ctx.customKinds.length > 0 ? [binding('berth-tenant-custom-kinds', customKindsClusterRole)] : []),
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: workloadServiceAccount, namespace, labels },
      automountServiceAccountToken: false,
    },
  ]
}

/** Makes what is missing of the fittings, and puts Berth's own policies right. Called once for each namespace and process; the patrol calls it again. */
export const ensureFittings = async (
  namespace: string,
  { tenant, superSide }: Pick<SyncDeps, 'tenant' | 'superSide'>,
): Promise<void> => {
  await Promise.all([
    ensureFences(namespace, { tenant, superSide }),
    ...namespaceFittings(tenant.ctx, namespace).map(async (object) => {
      const type = object.kind === 'RoleBinding' ? resourceTypes.roleBindings : resourceTypes.serviceAccounts
      await superSide.client.create(type, object).catch((error: unknown) => {
        if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
      })
    }),
  ])
}

/** True when objects can be written into the super namespace of a tenant namespace. */
export const isNamespaceReady = (namespace: string, { tenant, superSide }: Pick<SyncDeps, 'tenant' | 'superSide'>): boolean => {
  const uid = tenant.readyNamespaces.get(namespace)
  if (uid === undefined || tenant.informers.get('namespaces')?.get(namespace)?.metadata.uid !== uid) return false
  const live = superSide.informers.get('namespaces')?.get(superNamespace(tenant.ctx.tenant, namespace))
  return live !== undefined && live.metadata.deletionTimestamp === undefined
}
