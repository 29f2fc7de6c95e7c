import type { KubeObject } from '../../apis/kube-object.ts'
import { agentPort } from '../../tenancy/agent-port.ts'
import { componentLabel, tenantLabel } from '../../tenancy/marks.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import { componentNames, taskNames } from '../names.ts'
import { apiServerPort } from './kube-apiserver.ts'
import { labelsOf, metadataOf, type Plane } from './plane.ts'
import type { StorePeer } from './store-peers.ts'

type Fenced = Pick<Plane, 'tenant' | 'namespace'>

export const namespaceObject = (plane: Fenced): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: plane.namespace,
    labels: {
      ...labelsOf(plane),
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/enforce-version': 'latest',
    },
  },
})

const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP', port }))
const podsOf = (component: string) => ({ podSelector: { matchLabels: { [componentLabel]: component } } })
/** Counts members and keeps their disks in order. */
const manager = {
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': systemNamespace } },
  podSelector: { matchLabels: { 'app.kubernetes.io/name': 'berth-manager' } },
}
const dns = {
  to: [{ namespaceSelector: {} }],
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
}

/** Anywhere but the addresses that clouds answer their own machines at. */
const outside = {
  to: [
    { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } },
    { ipBlock: { cidr: '::/0', except: ['fe80::/10', 'fd00:ec2::254/128'] } },
  ],
}

const policy = (
  plane: Fenced,
  name: string,
  component: string | undefined,
  rules: { ingress?: unknown[]; egress?: unknown[] },
): KubeObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: metadataOf(plane, name),
  spec: {
    podSelector: component ? { matchLabels: { [componentLabel]: component } } : {},
    policyTypes: ['Ingress', 'Egress'],
    ...rules,
  },
})

/** The tenant's own etcd, and what may reach it. */
const ownStore = (plane: Fenced): KubeObject => {
  const { etcd, kubeApiServer } = componentNames
  return policy(plane, etcd, etcd, {
    ingress: [
      { from: [podsOf(kubeApiServer), podsOf(taskNames.snapshot), manager], ports: tcp(2379) },
      { from: [podsOf(etcd)], ports: tcp(2379, 2380) },
    ],
    egress: [dns, { to: [podsOf(etcd)], ports: tcp(2379, 2380) }],
  })
}

const linkLocal = '169.254.0.0/16'
const anywhere = [{ ipBlock: { cidr: '0.0.0.0/0', except: [linkLocal] } }, { ipBlock: { cidr: '::/0', except: ['fe80::/10'] } }]

const storeRule = (peer: StorePeer): unknown => {
  const ports = [{ protocol: 'TCP', port: peer.port }]
  switch (peer.kind) {
    case 'address':
      return { to: [{ ipBlock: { cidr: peer.cidr } }], ports }
    case 'pods': {
      const namespaceSelector = { matchLabels: { 'kubernetes.io/metadata.name': peer.namespace } }
      return { to: [{ namespaceSelector, ...(peer.labels && { podSelector: { matchLabels: peer.labels } }) }], ports }
    }
    case 'anywhere':
      return { to: anywhere, ports }
  }
}

/** Of control planes, kubelets and vn-agents, in order: no bucket is there. */
const closedPorts = [2379, 2380, apiServerPort, 10250, agentPort]

/** All ports but those. The policy is about the port that the pod, or host, behind a Service has. */
const otherPorts = [...closedPorts, 65_536].flatMap((end, index) => {
  const port = (closedPorts[index - 1] ?? 0) + 1
  return port < end ? [{ protocol: 'TCP', port, endPort: end - 1 }] : []
})

/**
 * To wherever an operator keeps snapshots; where that is, no policy knows. They run Berth's own program only, and beside it what a tenant's data are: of those, a
 * drill has an API server too.
 */
const snapshotPods = (plane: Fenced): readonly KubeObject[] => [
  policy(plane, taskNames.snapshot, taskNames.snapshot, {
    egress: [dns, { to: [podsOf(componentNames.etcd)], ports: tcp(2379) }, outside],
  }),
  policy(plane, taskNames.restore, taskNames.restore, { egress: [dns, outside] }),
  policy(plane, taskNames.drill, taskNames.drill, { egress: [dns, { ...outside, ports: otherPorts }] }),
]

interface SuperPods {
  readonly isApart?: boolean
  /** Ranges of super's pods, where management is another cluster. */
  readonly superPodCidrs?: readonly string[]
}

/**
 * Admission webhooks and aggregated APIs: pods of this tenant only, whatever address its administrators write into a webhook. No policy of management knows
 * which pods of another cluster are whose: there it is those ranges that the operator names, and none without.
 */
const tenantPods = ({ tenant, isApart, superPodCidrs = [] }: Fenced & SuperPods): readonly unknown[] => {
  if (!isApart) return [{ to: [{ namespaceSelector: { matchLabels: { [tenantLabel]: tenant.uid } } }] }]
  return superPodCidrs.length > 0 ? [{ to: superPodCidrs.map((cidr) => ({ ipBlock: { cidr } })) }] : []
}

/** Where a data store is: the tenant's own, or behind these endpoints. */
export type FencedStore = { readonly kind: 'own' } | { readonly kind: 'remote'; readonly peers: readonly StorePeer[] }

/** Nothing may reach a control plane or leave it, but for what is listed here. */
export const networkPolicies = (plane: Fenced & SuperPods, store: FencedStore = { kind: 'own' }): readonly KubeObject[] => {
  const { etcd, kubeApiServer, kubeControllerManager } = componentNames
  return [
    policy(plane, 'default-deny', undefined, {}),
    ...(store.kind === 'own' ? [ownStore(plane)] : []),
    policy(plane, kubeApiServer, kubeApiServer, {
      // The tenant's pods, Berth and people come by the Service, from anywhere; who may do what is the API server's own business.
      ingress: [{ ports: tcp(apiServerPort) }],
      egress: [
        dns,
        ...(store.kind === 'own' ? [{ to: [podsOf(etcd)], ports: tcp(2379) }] : store.peers.map(storeRule)),
        ...tenantPods(plane),
        { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: [linkLocal] } }], ports: tcp(agentPort) },
      ],
    }),
    ...(store.kind === 'own' ? snapshotPods(plane) : []),
    policy(plane, kubeControllerManager, kubeControllerManager, {
      egress: [dns, { to: [podsOf(kubeApiServer)], ports: tcp(apiServerPort) }],
    }),
  ]
}

/**
 * A bound on what a control-plane namespace can hold, should anything run wild in it: 5 + 3 + 3 pods, and as many again in a rollout; ports of nodes and load
 * balancers as far as its API server is exposed by them.
 */
export const resourceQuota = (plane: Fenced & Pick<Plane, 'spec'>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: metadataOf(plane, 'control-plane'),
  spec: {
    hard: {
      pods: '25',
      services: '10',
      'services.nodeports': (plane.spec.apiServer.exposure?.type ?? 'ClusterIP') === 'ClusterIP' ? '0' : '1',
      'services.loadbalancers': plane.spec.apiServer.exposure?.type === 'LoadBalancer' ? '1' : '0',
      persistentvolumeclaims: '6',
      secrets: '50',
      configmaps: '20',
    },
  },
})
