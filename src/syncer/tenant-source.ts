import { isAsleep, isResting } from '../apis/conditions.ts'
import type { NodePool } from '../apis/isolation.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { specInForce } from '../apis/spec-in-force.ts'
import type { ClassRules, TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { TenantControlPlaneStatus } from '../apis/tenant-status.ts'
import type { Informer } from '../kube/informer.ts'
import { isolationSettings } from '../tenancy/isolation.ts'
import { resumeSyncAnnotation } from '../tenancy/marks.ts'
import { poolsOf, samePools } from '../tenancy/node-pools.ts'
import { sliceAddress, slicesOf } from '../tenancy/slices.ts'
import type { ClaimView } from './claims.ts'
import type { SyncContext, SyncPolicy } from './resource.ts'

/** What a translation knows of super itself. */
export type SuperField = 'superRanges' | 'superPodRanges' | 'superNodeRanges' | 'apiServerDoor'

/** What is needed to serve a tenant, as the management cluster says. */
export interface TenantSource {
  readonly tenant: SyncContext['tenant']
  /** All that the management cluster says of it. */
  readonly ctx: Omit<SyncContext, 'classes' | 'nodes' | 'policies' | SuperField | keyof ClaimView>
  readonly classRules: ClassRules | undefined
  readonly controlPlaneNamespace: string
  readonly kubeconfig: string
  readonly nodeSelector: Readonly<Record<string, string>> | undefined
  /** Every node pool of super's; taken up by who serves the tenant. The same array while nothing of it has changed. */
  readonly pools: readonly NodePool[]
  /** Its pods in super are to end, as the manager has decided. */
  readonly hibernates: boolean
  /** The restore of its data that is in force; undefined: it never was. */
  readonly restored: TenantControlPlaneStatus['restored']
  /** The operator's word to go on after a freeze. */
  readonly resume: string | undefined
  /** Differs when the tenant has to be served anew; more slices are taken up by who serves it. */
  readonly revision: string
}

/** First and tenth address of a slice: the API server's and the DNS's. */
const apiServerIndex = 1
const dnsIndex = 10

const syncPolicy = ({ sync }: TenantControlPlane['spec']): SyncPolicy => ({
  ingressAnnotations: sync.ingressAnnotations,
  serviceAnnotations: sync.serviceAnnotations,
  ingressHosts: sync.ingressHosts,
  podAnnotations: sync.podAnnotations,
  claimAnnotations: sync.claimAnnotations,
  podLabels: sync.podLabels,
  inlineCSIDrivers: sync.inlineCSIDrivers,
  loadBalancerClasses: sync.loadBalancerClasses,
})

/** The source, or undefined while the control plane is not up yet or is on its way out. */
export const tenantSource = (
  plane: TenantControlPlane,
  kubeconfigSecret: KubeObject | undefined,
  pools: readonly NodePool[],
): TenantSource | undefined => {
  const { metadata, status } = plane
  const spec = specInForce(plane)
  const kubeconfig = kubeconfigSecret?.data?.value
  const apiServerReady = status?.conditions?.some(({ type, status: is }) => type === 'APIServerReady' && is === 'True')
  if (metadata.deletionTimestamp || !status?.serviceSlice || !status.controlPlaneNamespace || !kubeconfig || !apiServerReady)
    return undefined
  const tenant = { uid: metadata.uid ?? '', name: metadata.name ?? '', namespace: metadata.namespace ?? '' }
  const ctx: TenantSource['ctx'] = {
    tenant,
    clusterDomain: spec.network.clusterDomain,
    apiServerAddress: sliceAddress(status.serviceSlice, apiServerIndex),
    dnsAddress: sliceAddress(status.serviceSlice, dnsIndex),
    serviceSlices: slicesOf(status),
    isolation: isolationSettings(spec.isolation),
    policy: syncPolicy(spec),
    customKinds: spec.sync.customKinds,
  }
  const { nodes, classes: classRules } = spec.sync
  const nodeSelector = nodes === 'used' ? undefined : spec.sync.nodeSelector
  return {
    tenant,
    ctx,
    controlPlaneNamespace: status.controlPlaneNamespace,
    kubeconfig: Buffer.from(kubeconfig, 'base64').toString(),
    classRules,
    nodeSelector,
    pools,
    hibernates: spec.state === 'Hibernated' && isAsleep(status.conditions),
    restored: status.restored,
    resume: metadata.annotations?.[resumeSyncAnnotation],
    revision: JSON.stringify([
      { ...ctx, serviceSlices: undefined },
      classRules,
      nodeSelector,
      // Of other data nothing that is cached is true.
      status.restored?.id,
      kubeconfigSecret?.metadata.uid,
      kubeconfigSecret?.metadata.resourceVersion,
    ]),
  }
}

/** True when a tenant's pods run in the super cluster at hand. One that is older than the record runs where its control plane is. */
const isHere = (
  { status }: TenantControlPlane,
  here: { readonly uid: string | undefined; readonly isApart: boolean },
): boolean => {
  const recorded = status?.superCluster
  return recorded ? recorded.uid === here.uid && recorded.isApart === here.isApart : !here.isApart
}

/** Joins TenantControlPlanes with the syncer's kubeconfigs in their control-plane namespaces. */
export const tenantSources = ({
  planes,
  kubeconfigs,
  superCluster,
}: {
  planes: Informer<TenantControlPlane>
  kubeconfigs: Informer<KubeObject>
  /** Which super cluster this is: UID of its namespace kube-system; and whether it is another one than management. */
  superCluster: () => { readonly uid: string | undefined; readonly isApart: boolean }
}) => {
  const served = new Set<string>()
  let pools: readonly NodePool[] = []
  const poolsNow = (): readonly NodePool[] => {
    const now = poolsOf(planes.list().filter((plane) => isHere(plane, superCluster())))
    if (!samePools(now, pools)) pools = now
    return pools
  }
  return {
    start: (): void => {
      planes.start()
      kubeconfigs.start()
    },
    whenSynced: async (wait: { deadlineMs: number; signal?: AbortSignal }): Promise<void> => {
      await Promise.all([planes.whenSynced(wait), kubeconfigs.whenSynced(wait)])
    },
    stop: async (): Promise<void> => {
      await Promise.all([planes.stop(), kubeconfigs.stop()])
    },
    list: (): TenantSource[] => {
      const every = poolsNow()
      return planes.list().flatMap((plane) => {
        const uid = plane.metadata.uid ?? ''
        // Its pods run elsewhere: here all of them would seem to be gone.
        if (!isHere(plane, superCluster())) return []
        const secret = kubeconfigs.get(`${plane.status?.controlPlaneNamespace}/syncer-kubeconfig`)
        if (isResting(plane.status?.conditions)) {
          // Woken, it is served when its API server is up, and not before: it is known to be away.
          served.delete(uid)
          return []
        }
        const source = tenantSource(plane, secret, every)
        if (source) served.add(uid)
        // Once served, a tenant stays so while its API server is away: the breaker waits for it, the caches stay warm.
        else if (!served.has(uid) || plane.metadata.deletionTimestamp || !secret) return []
        return source ?? tenantSource(asReady(plane), secret, every) ?? []
      })
    },
  }
}

const asReady = (plane: TenantControlPlane): TenantControlPlane => ({
  ...plane,
  status: {
    ...plane.status,
    conditions: [
      ...(plane.status?.conditions ?? []).filter(({ type }) => type !== 'APIServerReady'),
      { type: 'APIServerReady', status: 'True', reason: 'ServedBefore', message: '', lastTransitionTime: '' },
    ],
  },
})
