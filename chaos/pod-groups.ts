import type { KubeObject } from '../src/apis/kube-object.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import { componentNames } from '../src/controlplane/names.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { componentLabel } from '../src/tenancy/marks.ts'
import { superNamespace, systemNamespace } from '../src/tenancy/names.ts'
import type { PartName } from './plan.ts'
import { sharedStorePlace } from './shared-store.ts'
import type { ChaosTenant } from './tenants.ts'
import type { ChaosWorld, PodGroup } from './world.ts'

type Place = Pick<PodGroup, 'part' | 'tenant' | 'namespace' | 'selector'>

const berths = (['manager', 'syncer', 'vn-agent'] as const).map((part) => ({
  part,
  namespace: systemNamespace,
  selector: `app.kubernetes.io/name=berth-${part}`,
}))

const planes = (tenant: ChaosTenant): Place[] => {
  const component = (part: PartName, name: string): Place => ({
    part,
    tenant,
    namespace: tenant.controlPlaneNamespace,
    selector: `${componentLabel}=${name}`,
  })
  return [
    ...(tenant.dataStore === 'dedicated' ? [component('etcd', componentNames.etcd)] : []),
    component('kube-apiserver', componentNames.kubeApiServer),
    component('kube-controller-manager', componentNames.kubeControllerManager),
    {
      part: 'core-dns',
      tenant,
      namespace: superNamespace({ uid: tenant.uid, name: tenant.name }, 'kube-system'),
      selector: 'k8s-app=kube-dns',
    },
  ]
}

export const podsOf = async (
  superClient: KubeClient,
  { namespace, selector }: Pick<PodGroup, 'namespace' | 'selector'>,
): Promise<KubeObject[]> => {
  const { items } = await superClient.list(resourceTypes.pods, { namespace, labelSelector: selector })
  return items.toSorted((a, b) => (a.metadata.name ?? '').localeCompare(b.metadata.name ?? ''))
}

export const isReady = ({ metadata, status }: KubeObject): boolean =>
  metadata.deletionTimestamp === undefined &&
  (status?.conditions ?? []).some((each: { type: string; status: string }) => each.type === 'Ready' && each.status === 'True')

/** Ids of the containers of a pod. */
export const containersOf = ({ status }: KubeObject): string[] =>
  (status?.containerStatuses ?? []).flatMap((each: { containerID?: string }) => each.containerID ?? [])

/** All groups of pods that can be hit, with as many pods as there are now. @throws when one has none. */
export const podGroups = async ({ superClient, tenants }: Pick<ChaosWorld, 'superClient' | 'tenants'>): Promise<PodGroup[]> => {
  const shared = tenants.some(({ dataStore }) => dataStore === 'shared')
  const places: Place[] = [
    ...berths,
    ...tenants.flatMap(planes),
    ...(shared ? [{ part: 'shared-etcd' as const, ...sharedStorePlace }] : []),
  ]
  return Promise.all(
    places.map(async (place) => {
      const { length: count } = await podsOf(superClient, place)
      if (count === 0) throw new Error(`no pods of ${groupName(place)}: ${place.selector} in ${place.namespace}`)
      return { ...place, count }
    }),
  )
}

export const groupName = ({ part, tenant }: Pick<PodGroup, 'part' | 'tenant'>): string =>
  tenant ? `${part} of ${tenant.name}` : part

/** What is missing of a group, in words; undefined when it has all its pods and they are Ready. */
export const gapOf = (group: PodGroup, pods: readonly KubeObject[]): string | undefined => {
  const ready = pods.filter(isReady).length
  if (pods.length === group.count && ready === group.count) return undefined
  const words = pods
    .filter((pod) => !isReady(pod))
    .map(({ metadata, status }) => {
      const [container] = status?.containerStatuses ?? []
      const waits = container?.state?.waiting?.reason ?? status?.phase
      return `${metadata.name} ${metadata.deletionTimestamp ? 'is going' : waits}`
    })
  return `${groupName(group)}: ${ready} of ${group.count} Ready, ${pods.length} there (${words.join(', ')})`
}
