import type { Account } from './granted-rights.ts'

/** Rights whose use the record of `hack/rights.ts` does not show. */
interface UnauditedRights {
  readonly account: Account
  readonly rights: readonly string[]
  /** The test in which they are used. */
  readonly test: string
  /** Why no log of the integration tests shows it. */
  readonly reason: string
}

export const unauditedRights: readonly UnauditedRights[] = [
  {
    account: 'berth-manager',
    test: 'e2e/apart.e2e.ts',
    reason: 'the way to API servers that run in another cluster: their pods have to have addresses',
    rights: [
      'get discovery.k8s.io/endpointslices',
      'create discovery.k8s.io/endpointslices',
      'patch discovery.k8s.io/endpointslices',
    ],
  },
  {
    account: 'berth-manager',
    test: 'e2e/data-store.e2e.ts',
    reason: 'a member of three that lost its data: its pod, its claim and where the volume lies',
    rights: ['delete /pods', 'get /persistentvolumes'],
  },
  {
    account: 'berth-manager',
    test: 'e2e/certificates.e2e.ts',
    reason: 'API servers of tenants have to have a log',
    rights: ['get /pods/log'],
  },
  {
    account: 'berth-manager',
    test: 'src/kube/events.integration.test.ts',
    reason: 'an Event that comes again, of which that test is the administrator',
    rights: ['patch /events'],
  },
  {
    account: 'berth-syncer',
    test: 'e2e/nodes.e2e.ts',
    reason: 'only where the watch has not seen the node yet',
    rights: ['get /nodes'],
  },
  {
    account: 'berth-syncer',
    test: 'src/syncer/engine.integration.test.ts',
    reason: 'asked when a RoleBinding is made, in the same request',
    rights: ['bind rbac.authorization.k8s.io/clusterroles'],
  },
  {
    account: 'berth-syncer',
    test: 'e2e/resilience.e2e.ts',
    reason: 'only a whole syncer shares its tenants with others',
    rights: [
      'list coordination.k8s.io/leases',
      'watch coordination.k8s.io/leases',
      'update coordination.k8s.io/leases',
      'delete coordination.k8s.io/leases',
    ],
  },
  {
    account: 'berth-vn-agent',
    test: 'src/vn-agent/vn-agent.integration.test.ts',
    reason: 'the kubelet asks for it, in a review of its own, where sessions go straight to it',
    rights: ['get /nodes/proxy', 'create /nodes/proxy'],
  },
  {
    account: 'berth-vn-agent',
    test: 'e2e/metrics.e2e.ts',
    reason: 'the kubelet asks for it, in a review of its own',
    rights: ['get /nodes/metrics', 'get /nodes/stats'],
  },
  {
    account: 'tenant',
    test: 'e2e/access.e2e.ts',
    reason: 'sessions go to a kubelet',
    rights: ['get /pods/exec', 'get /pods/attach', 'create /pods/attach', 'get /pods/portforward', 'create /pods/portforward'],
  },
]
