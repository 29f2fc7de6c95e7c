import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer } from '../kube/informer.ts'
import { hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** Stands for scheduler and kubelet where there are none. */
export interface PlayedKubelet {
  /** While held, pods stay as they are. */
  hold(): void
  /** Goes on, with all that was held. */
  release(): void
  stop(): Promise<void>
}

const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** A Node as a kubelet registers it. */
export const playedNode = (name: string, ip: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
  status: {
    capacity: { cpu: '8', memory: '16Gi', pods: '250' },
    allocatable: { cpu: '8', memory: '16Gi', pods: '250' },
    addresses: [
      { type: 'InternalIP', address: ip },
      { type: 'Hostname', address: name },
    ],
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'KubeletReady',
        message: 'ready',
        lastHeartbeatTime: now(),
        lastTransitionTime: now(),
      },
    ],
  },
})

const running = ({ spec }: KubeObject): Record<string, unknown> => ({
  phase: 'Running',
  podIP: '10.131.0.7',
  podIPs: [{ ip: '10.131.0.7' }],
  hostIP: '10.124.0.11',
  startTime: now(),
  conditions: ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True', lastTransitionTime: now() })),
  containerStatuses: spec.containers.map(({ name, image }: { name: string; image: string }) => ({
    name,
    image,
    imageID: `sha256:${name}`,
    containerID: `containerd://${name}`,
    ready: true,
    started: true,
    restartCount: 0,
    state: { running: { startedAt: now() } },
  })),
})

/** Binds every pod with the label to a node, says it runs, and lets it go when it is deleted. The true conditions of a bound pod are kept. */
export const playKubelet = ({
  client,
  log,
  labelSelector,
  nodes,
}: {
  client: KubeClient
  log: Log
  labelSelector: string
  nodes: readonly string[]
}): PlayedKubelet => {
  let held = false
  let turn = 0
  let stopped = false

  const step = async (pod: KubeObject): Promise<void> => {
    const { name = '', namespace = '', uid = '', deletionTimestamp } = pod.metadata
    const ref = { name, namespace }
    if (deletionTimestamp !== undefined) {
      await client.delete(resourceTypes.pods, ref, { uid, gracePeriodSeconds: 0 })
    } else if (!pod.spec.nodeName) {
      turn += 1
      const target = { apiVersion: 'v1', kind: 'Node', name: nodes[turn % nodes.length] }
      await client.create(
        resourceTypes.pods,
        { apiVersion: 'v1', kind: 'Binding', metadata: { ...ref, uid }, target },
        { subresource: 'binding' },
      )
    } else if (pod.status?.phase === 'Pending') {
      await client.patch(
        resourceTypes.pods,
        ref,
        { metadata: { uid }, status: running(pod) },
        { type: 'strategic', subresource: 'status' },
      )
    }
  }
  const attempt = (pod: KubeObject): void => {
    if (held || stopped) return
    step(pod).catch((error: unknown) => {
      // The pod moved on meanwhile: its next event is on the way.
      if (stopped || hasCode(error, 'KUBE_NOT_FOUND', 'KUBE_CONFLICT')) return
      log.error({ err: error, pod: pod.metadata.name }, 'played kubelet failed')
    })
  }
  const informer = createInformer({
    client,
    type: resourceTypes.pods,
    log,
    labelSelector,
    onEvent: (kind, pod) => {
      if (kind !== 'deleted') attempt(pod)
    },
  })
  informer.start()
  return {
    hold: () => {
      held = true
    },
    release: () => {
      held = false
      for (const pod of informer.list()) attempt(pod)
    },
    stop: async () => {
      stopped = true
      await informer.stop()
    },
  }
}
