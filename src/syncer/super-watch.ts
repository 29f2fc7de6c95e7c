import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ChangeKind, createInformer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import { berthDomain } from '../tenancy/marks.ts'
import { superDoorName, tenantIdentityNamespace } from '../tenancy/names.ts'
import { placeOfNode, type SuperNetworks, superNetworks } from './network/super-networks.ts'
import type { SyncContext } from './resource.ts'
import type { SuperField } from './tenant-source.ts'

/** Changes are told together, at most this often: each one goes into policies of every namespace of every tenant. */
const settleMs = 1_000

/** Super's networks as super tells them, kept up to date. */
export interface SuperWatch {
  /** What a tenant's translations know of it. */
  of(tenantUid: string): Pick<SyncContext, SuperField>
  nodeChanged(event: ChangeKind, node: KubeObject, old: KubeObject | undefined): void
  start(): void
  whenSynced(options: { deadlineMs: number; signal?: AbortSignal }): Promise<void>
  stop(): Promise<void>
}

const addressesOf = (slice: KubeObject): readonly string[] =>
  ((slice['endpoints'] ?? []) as { addresses?: string[] }[]).flatMap(({ addresses = [] }) => addresses)

export const watchSuperNetworks = (options: {
  readonly client: KubeClient
  readonly log: Log
  /** CIDRs. */
  readonly namedRanges: readonly string[]
  readonly isApart: boolean
  readonly nodes: () => readonly KubeObject[]
  readonly onChange: () => void
}): SuperWatch => {
  const { client, log, namedRanges, isApart, nodes, onChange } = options
  let known: SuperNetworks | undefined
  let timer: NodeJS.Timeout | undefined
  const changed = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      known = undefined
      onChange()
    }, settleMs)
  }
  const serviceCIDRs = createInformer({ client, log, type: resourceTypes.serviceCIDRs, optional: true, onEvent: changed })
  const apiServers = createInformer({
    client,
    log,
    type: resourceTypes.endpointSlices,
    namespace: 'default',
    labelSelector: 'kubernetes.io/service-name=kubernetes',
    onEvent: changed,
  })
  const doors = isApart
    ? createInformer({
        client,
        log,
        type: resourceTypes.endpointSlices,
        namespace: tenantIdentityNamespace,
        labelSelector: `endpointslice.kubernetes.io/managed-by=${berthDomain}`,
        onEvent: changed,
      })
    : undefined
  const informers = [serviceCIDRs, apiServers, ...(doors ? [doors] : [])]
  return {
    of: (uid) => {
      known ??= superNetworks({
        nodes: nodes(),
        serviceCIDRs: serviceCIDRs.list(),
        apiServers: apiServers.list(),
        named: namedRanges,
      })
      const slice = doors?.get(`${tenantIdentityNamespace}/${superDoorName(uid)}`)
      const apiServerDoor = doors && (slice ? addressesOf(slice).toSorted() : [])
      const { ranges: superRanges, podRanges: superPodRanges, nodeRanges: superNodeRanges } = known
      return { superRanges, superPodRanges, superNodeRanges, apiServerDoor }
    },
    nodeChanged: (event, node, old) => {
      if (event !== 'updated' || !old || placeOfNode(node) !== placeOfNode(old)) changed()
    },
    start: () => {
      for (const informer of informers) informer.start()
    },
    whenSynced: async (wait) => {
      await Promise.all(informers.map((informer) => informer.whenSynced(wait)))
      known = undefined
    },
    stop: async () => {
      await Promise.all(informers.map((informer) => informer.stop()))
      clearTimeout(timer)
    },
  }
}
