import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { type ChangeKind, createInformer, type Informer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'

/** Watches the nodes of a cluster; keeps of them names, addresses and readiness. */
export const watchNodes = (options: {
  readonly client: KubeClient
  readonly log: Log
  readonly onEvent: (kind: ChangeKind) => void
}): Informer<KubeObject> =>
  createInformer({
    ...options,
    type: resourceTypes.nodes,
    keep: ({ metadata, status }) => ({
      metadata: { name: metadata.name ?? '' },
      status: {
        addresses: status?.addresses,
        conditions: (status?.conditions ?? [])
          .filter(({ type }: { type: string }) => type === 'Ready')
          .map(({ type, status: isReady }: { type: string; status: string }) => ({ type, status: isReady })),
      },
    }),
  })
