import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ChangeKind, createInformer, type Informer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import { tenantLabel } from '../tenancy/marks.ts'
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
  onEvent: (type: ResourceType, event: ChangeKind, object: KubeObject, own: boolean) => void
}): SuperCaches => {
  const informers = new Map<string, Informer<KubeObject>>()
  for (const { type, superWatch, keepSuper } of syncedResources) {
    if (superWatch === 'none') continue
    informers.set(
      type.plural,
      createInformer({
        client,
        type,
        log,
        labelSelector: tenantLabel,
        ...(keepSuper && { keep: keepSuper }),
        onEvent: (event, object, _old, own) => onEvent(type, event, object, own),
      }),
    )
  }
  for (const { type, optional = false } of sharedTypes) {
    informers.set(
      type.plural,
      createInformer({ client, type, log, optional, onEvent: (event, object, _old, own) => onEvent(type, event, object, own) }),
    )
  }
  return {
    client,
    informers,
    start: () => {
      for (const informer of informers.values()) informer.start()
    },
    whenSynced: async (wait) => {
      await Promise.all([...informers.values()].map((informer) => informer.whenSynced(wait)))
    },
    stop: async () => {
      await Promise.all([...informers.values()].map((informer) => informer.stop()))
    },
  }
}
