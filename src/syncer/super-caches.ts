import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ChangeKind, createInformer, type Informer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { createClaims } from './claims.ts'
import { gatewayKinds } from './gateways/kinds.ts'
import type { SyncedResource } from './resource.ts'
import { customResource, definitionName } from './resources/custom-kinds.ts'
import { syncedResources } from './resources/index.ts'
import { mirroredKinds } from './resources/mirrored.ts'
import type { SuperSide } from './sides.ts'
import { type SuperWatch, watchSuperNetworks } from './super-watch.ts'

/** Kinds of super that no tenant owns but that tenants see. */
const sharedTypes: readonly { readonly type: ResourceType; readonly optional?: boolean }[] = [
  { type: resourceTypes.nodes },
  { type: resourceTypes.persistentVolumes },
  // Says which addresses of tenants' slices somebody else has.
  { type: resourceTypes.ipAddresses },
  ...mirroredKinds,
]

export interface SuperCaches extends SuperSide {
  readonly networks: Pick<SuperWatch, 'of'>
  /** Watches super's definition of a declared kind from now on. */
  watchDefinition(name: string): void
  start(): void
  whenSynced(options: { deadlineMs: number; signal?: AbortSignal }): Promise<void>
  stop(): Promise<void>
}

/** One watch for each kind of super serves all tenants: of what belongs to tenants by label, of what they share whole. */
export const openSuperCaches = ({
  client,
  log,
  namedRanges,
  isApart,
  onEvent,
  onNetworks,
}: {
  client: KubeClient
  log: Log
  /** CIDRs that the operator names as super's own. */
  namedRanges: readonly string[]
  /** True when tenants' API servers run in another cluster. */
  isApart: boolean
  /** Super's networks, or ways to API servers in another cluster, have changed. */
  onNetworks: () => void
  onEvent: (
    type: ResourceType,
    event: ChangeKind,
    object: KubeObject,
    more: { old: KubeObject | undefined; own: boolean },
  ) => void
}): SuperCaches => {
  const informers = new Map<string, Informer<KubeObject>>()
  const definitions = new Map<string, KubeObject>()
  const definitionInformers = new Map<string, Informer<KubeObject>>()
  const watchOwned = ({ type, superWatch, keepSuper }: SyncedResource, optional = false): void => {
    if (superWatch === 'none' || informers.has(kindKey(type))) return
    informers.set(
      kindKey(type),
      createInformer({
        client,
        type,
        log,
        labelSelector: tenantLabel,
        optional,
        ...(keepSuper && { keep: keepSuper }),
        onEvent: (event, object, old, own) => onEvent(type, event, object, { old, own }),
      }),
    )
  }
  for (const resource of syncedResources) watchOwned(resource)
  // Also where no tenant that is served here has any: Gateways and routes hold hosts that Ingresses of all may want.
  for (const kind of gatewayKinds) watchOwned(customResource(kind), true)
  for (const { type, optional = false } of sharedTypes) {
    informers.set(
      type.plural,
      createInformer({
        client,
        type,
        log,
        optional,
        onEvent: (event, object, old, own) => {
          if (type === resourceTypes.nodes) networks.nodeChanged(event, object, old)
          onEvent(type, event, object, { old, own })
        },
      }),
    )
  }
  const nodeCache = informers.get('nodes')
  const networks = watchSuperNetworks({
    client,
    log,
    namedRanges,
    isApart,
    nodes: () => nodeCache?.list() ?? [],
    onChange: onNetworks,
  })
  return {
    client,
    informers,
    networks,
    claims: createClaims(),
    definitions,
    watchDefinition: (name) => {
      if (definitionInformers.has(name)) return
      const type = resourceTypes.customResourceDefinitions
      const informer = createInformer({
        client,
        type,
        log,
        fieldSelector: `metadata.name=${name}`,
        onEvent: (event, object, old, own) => {
          if (event === 'deleted') definitions.delete(name)
          else definitions.set(name, object)
          onEvent(type, event, object, { old, own })
        },
      })
      definitionInformers.set(name, informer)
      informer.start()
    },
    watchCustom: (declared) => {
      const known = informers.get(definitionName(declared))
      if (known) {
        if (!known.isServed) known.askAgain()
        return
      }
      watchOwned(customResource(declared))
      informers.get(definitionName(declared))?.start()
    },
    start: () => {
      for (const informer of informers.values()) informer.start()
      networks.start()
    },
    whenSynced: async (wait) => {
      await Promise.all([...informers.values(), networks].map((informer) => informer.whenSynced(wait)))
    },
    stop: async () => {
      await Promise.all([...informers.values(), ...definitionInformers.values(), networks].map((informer) => informer.stop()))
    },
  }
}
