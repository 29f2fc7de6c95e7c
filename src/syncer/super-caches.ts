import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ChangeKind, createInformer, type Informer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import type { SyncedResource } from './resource.ts'
import { customResource, definitionName } from './resources/custom-kinds.ts'
import { syncedResources } from './resources/index.ts'
import { mirroredKinds } from './resources/mirrored.ts'
import type { SuperSide } from './sides.ts'

/** Kinds of super that no tenant owns but that tenants see. */
const sharedTypes: readonly { readonly type: ResourceType; readonly optional?: boolean }[] = [
  { type: resourceTypes.nodes },
  { type: resourceTypes.persistentVolumes },
  // Says which addresses of tenants' slices somebody else has.
  { type: resourceTypes.ipAddresses },
  ...mirroredKinds,
]

export interface SuperCaches extends SuperSide {
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
  onEvent,
}: {
  client: KubeClient
  log: Log
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
  const watchOwned = ({ type, superWatch, keepSuper }: SyncedResource): void => {
    if (superWatch === 'none' || informers.has(kindKey(type))) return
    informers.set(
      kindKey(type),
      createInformer({
        client,
        type,
        log,
        labelSelector: tenantLabel,
        ...(keepSuper && { keep: keepSuper }),
        onEvent: (event, object, old, own) => onEvent(type, event, object, { old, own }),
      }),
    )
  }
  for (const resource of syncedResources) watchOwned(resource)
  for (const { type, optional = false } of sharedTypes) {
    informers.set(
      type.plural,
      createInformer({
        client,
        type,
        log,
        optional,
        onEvent: (event, object, old, own) => onEvent(type, event, object, { old, own }),
      }),
    )
  }
  return {
    client,
    informers,
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
      if (informers.has(definitionName(declared))) return
      watchOwned(customResource(declared))
      informers.get(definitionName(declared))?.start()
    },
    start: () => {
      for (const informer of informers.values()) informer.start()
    },
    whenSynced: async (wait) => {
      await Promise.all([...informers.values()].map((informer) => informer.whenSynced(wait)))
    },
    stop: async () => {
      await Promise.all([...informers.values(), ...definitionInformers.values()].map((informer) => informer.stop()))
    },
  }
}
