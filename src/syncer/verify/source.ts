import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { type TenantClasses, tenantClasses } from '../../tenancy/classes.ts'
import { kubeconfigSecretName } from '../../tenancy/names.ts'
import { foreignPools, poolsOf } from '../../tenancy/node-pools.ts'
import { taintKeysOf, viewOf } from '../own-nodes.ts'
import type { NodeView } from '../resource.ts'
import { type TenantSource, tenantSource } from '../tenant-source.ts'
import { type Objects, objectsOf } from './snapshot.ts'

export interface SourceRequest {
  /** Name and namespace of the TenantControlPlane. */
  readonly name: string
  readonly namespace: string
  readonly signal: AbortSignal
}

/** What is needed to read a tenant's side. Throws TENANT_NOT_FOUND, and TENANT_UNREACHABLE while there is nothing to read. */
export const readSource = async (
  { name, namespace, signal }: SourceRequest,
  { management }: { readonly management: KubeClient },
): Promise<TenantSource> => {
  const plane = await management.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, { name, namespace }, { signal })
  if (!plane) throw new AppError('TENANT_NOT_FOUND', `there is no TenantControlPlane ${name} in namespace ${namespace}`, {})
  const readSecret = (ref: { name: string; namespace: string }): Promise<KubeObject | undefined> =>
    management.get(resourceTypes.secrets, ref, { signal })
  const { controlPlaneNamespace, superCluster } = plane.status ?? {}
  // Apart from super the syncer comes by a name that is known inside management only.
  const isForOutside = controlPlaneNamespace === undefined || superCluster?.isApart
  const secret =
    (isForOutside ? undefined : await readSecret({ name: 'syncer-kubeconfig', namespace: controlPlaneNamespace })) ??
    (await readSecret({ name: kubeconfigSecretName(name), namespace }))
  const source = tenantSource(plane, secret, await readPools(plane, { management, signal }))
  if (source) return source
  const notReady = plane.status?.conditions?.find(({ type, status }) => type === 'APIServerReady' && status !== 'True')
  const why = plane.metadata.deletionTimestamp ? 'it is being deleted' : (notReady?.message ?? 'its control plane is not up yet')
  throw new AppError('TENANT_UNREACHABLE', `tenant ${name} cannot be looked into: ${why}`, {})
}

/** The node pools of all tenants whose pods run where this one's do. */
const readPools = async (
  { status }: TenantControlPlane,
  { management, signal }: { readonly management: KubeClient; readonly signal: AbortSignal },
) => {
  const here = status?.superCluster?.uid
  const planes = await management.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, { signal })
  return poolsOf(planes.items.filter(({ status: other }) => [here, undefined].includes(other?.superCluster?.uid)))
}

/** Throws SUPER_MISMATCH: in another cluster everything would seem to be missing. */
export const checkSuper = async (
  { name, namespace, signal }: SourceRequest,
  { management, superClient }: { readonly management: KubeClient; readonly superClient: KubeClient },
): Promise<void> => {
  const [plane, system] = await Promise.all([
    management.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, { name, namespace }, { signal }),
    superClient.get(resourceTypes.namespaces, { name: 'kube-system' }, { signal }),
  ])
  const recorded = plane?.status?.superCluster
  if (recorded === undefined || recorded.uid === system?.metadata.uid) return
  const text = `the pods of tenant ${name} run in super cluster ${recorded.uid}, and this is ${system?.metadata.uid}: name the right one with --super-kubeconfig`
  throw new AppError('SUPER_MISMATCH', text, {})
}

const readerOf = (objects: readonly KubeObject[]) => ({
  get: (name: string) => objects.find(({ metadata }) => metadata.name === name),
  list: () => objects,
})

/** What pods go by of nodes, of lists that were read once. */
export const nodesIn = (own: Objects, superSide: Objects, { ctx, pools }: Pick<TenantSource, 'ctx' | 'pools'>): NodeView =>
  viewOf(objectsOf(own, resourceTypes.nodes), {
    foreignPools: foreignPools(ctx.isolation.nodePool, pools),
    taintKeys: taintKeysOf(objectsOf(superSide, resourceTypes.nodes)),
  })

/** What the tenant may use of super's classes, of lists that were read once. */
export const classesIn = (superSide: Objects, { classRules }: Pick<TenantSource, 'classRules'>): TenantClasses =>
  tenantClasses(classRules, (type) => readerOf(objectsOf(superSide, type)))
