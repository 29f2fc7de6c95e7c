import { describe, expect, test } from 'vitest'
import type { Condition } from '../../apis/conditions.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import { type Facts, findingsOf, type Part } from './findings.ts'

const now = new Date('2026-06-01T12:00:00Z')

const condition = (type: Condition['type'], reason: string, status: Condition['status'] = 'False'): Condition => ({
  type,
  status,
  reason,
  message: `${type} says ${reason}`,
  lastTransitionTime: '2026-06-01T00:00:00Z',
})
const tenant = (...conditions: readonly Condition[]): TenantControlPlane =>
  aTenantControlPlane({ status: { observedGeneration: 3, conditions: [...conditions] } })

const part = (name: string, ready = 1, pods: readonly KubeObject[] = []): Part => ({
  name,
  does: `nothing of ${name} is done`,
  workload: {
    kind: name === 'berth-vn-agent' ? 'DaemonSet' : 'Deployment',
    metadata: { name, namespace: 'berth-system' },
    spec: { replicas: 1 },
    status: { readyReplicas: ready, desiredNumberScheduled: 1, numberReady: ready },
  },
  pods,
})
const seen = (change: Partial<Extract<Facts['inSuper'], { kind: 'seen' }>> = {}): Facts['inSuper'] => ({
  kind: 'seen',
  agent: part('berth-vn-agent'),
  nodes: [{ metadata: { name: 'n1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }],
  ...change,
})
const facts = (change: Partial<Facts> = {}): Facts => ({
  manager: part('berth-manager'),
  syncer: part('berth-syncer'),
  inSuper: seen(),
  leaderSilentMs: 1000,
  tenants: [],
  now,
  ...change,
})
const pullFails: KubeObject = {
  metadata: { name: 'p', namespace: 'berth-system' },
  status: { containerStatuses: [{ name: 'c', state: { waiting: { reason: 'ErrImagePull', message: 'no such image' } } }] },
}
const told = (given: Facts): string[] =>
  findingsOf(given).map(({ subject, severity, cause, tenants }) => `${severity} ${subject}: ${cause} (${tenants.length})`)

const storeFull = tenant(
  condition('CertificatesReady', 'Issued', 'True'),
  condition('DataStoreReady', 'StoreFull'),
  condition('APIServerReady', 'NotReady'),
  condition('ControllerManagerReady', 'CrashLooping'),
  condition('SyncReady', 'SyncerSilent'),
  condition('Ready', 'CrashLooping'),
)
const silent = tenant(
  condition('DNSReady', 'NoEndpoint'),
  condition('SyncReady', 'SyncerSilent'),
  condition('Ready', 'NoEndpoint'),
)
const well = tenant(condition('Ready', 'Usable', 'True'))

describe('findings', () => {
  test.each<[string, Facts, readonly string[]]>([
    ['nothing, when all is well', facts({ tenants: [well] }), []],
    [
      'the first step that fails, not those that fail for it',
      facts({ tenants: [storeFull] }),
      ['broken tenant home/acme: StoreFull (1)'],
    ],
    [
      'a manager that is away, instead of what tenants say',
      facts({ manager: part('berth-manager', 0, [pullFails]), tenants: [storeFull, silent] }),
      ['broken Berth: ImagePullFailed (2)'],
    ],
    ['managers of which none leads', facts({ leaderSilentMs: undefined, tenants: [silent] }), ['broken Berth: NoLeader (1)']],
    ['a leader that fell silent', facts({ leaderSilentMs: 31_000 }), ['broken Berth: NoLeader (0)']],
    [
      'a syncer that is away, for DNS that has no pods as well, but not for a full etcd',
      facts({ syncer: part('berth-syncer', 0), tenants: [silent, storeFull] }),
      ['broken Berth: NotReady (1)', 'broken tenant home/acme: StoreFull (1)'],
    ],
    [
      'what was never installed',
      facts({ inSuper: seen({ agent: { ...part('berth-vn-agent'), workload: undefined } }) }),
      ['broken Berth: NotInstalled (0)'],
    ],
    [
      'a node',
      facts({
        inSuper: seen({ nodes: [{ metadata: { name: 'n1' }, status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }] }),
      }),
      ['degraded node n1: NodeNotReady (0)'],
    ],
    [
      'a super cluster that is away, once for all tenants',
      facts({
        inSuper: { kind: 'away', message: 'refused' },
        tenants: [
          tenant(condition('SyncReady', 'SuperUnreachable'), condition('Ready', 'SuperUnreachable')),
          tenant(condition('SyncReady', 'SuperUnreachable'), condition('Ready', 'SuperUnreachable')),
        ],
      }),
      ['broken super cluster: SuperUnreachable (2)'],
    ],
    [
      'a super cluster that does not answer the one who looks',
      facts({ inSuper: { kind: 'away', message: 'refused' }, tenants: [well] }),
      ['broken super cluster: SuperUnreachable (0)'],
    ],
    [
      'a super cluster that nobody has named',
      facts({ inSuper: { kind: 'elsewhere' }, tenants: [well] }),
      ['waiting super cluster: NotLookedAt (0)'],
    ],
    [
      'what is only on its way',
      facts({ tenants: [tenant(condition('APIServerReady', 'Starting'), condition('Ready', 'Starting'))] }),
      ['waiting tenant home/acme: Starting (1)'],
    ],
    [
      'what is so because it moves',
      facts({ tenants: [tenant(condition('Ready', 'Moving'))] }),
      ['waiting tenant home/acme: Moving (1)'],
    ],
    [
      'a move that is refused in a tenant that is well',
      facts({ tenants: [tenant(condition('Ready', 'Usable', 'True'), condition('Moving', 'Refused'))] }),
      ['degraded tenant home/acme: MovingRefused (1)'],
    ],
    [
      'a class that is not there, by the name of its cause',
      facts({ tenants: [tenant(condition('Ready', 'Usable', 'True'), condition('ClassApplied', 'ClassMissing'))] }),
      ['degraded tenant home/acme: ClassMissing (1)'],
    ],
    [
      'what is so on purpose',
      facts({ tenants: [tenant(condition('Ready', 'Hibernated'))] }),
      ['waiting tenant home/acme: Hibernated (1)'],
    ],
    [
      'what has no condition of its own',
      facts({ tenants: [tenant(condition('APIServerReady', 'Serving', 'True'), condition('Ready', 'WebhookRefuses'))] }),
      ['broken tenant home/acme: WebhookRefuses (1)'],
    ],
    [
      'an upgrade that failed in a tenant that is well',
      facts({ tenants: [tenant(condition('Ready', 'Usable', 'True'), condition('Upgrading', 'Failed'))] }),
      ['degraded tenant home/acme: UpgradingFailed (1)'],
    ],
    [
      'disks that do not grow',
      facts({ tenants: [tenant(condition('Ready', 'Usable', 'True'), condition('Growing', 'Refused'))] }),
      ['degraded tenant home/acme: GrowingRefused (1)'],
    ],
    [
      'a drill that failed, by the name of its cause',
      facts({ tenants: [tenant(condition('Ready', 'Usable', 'True'), condition('BackupProven', 'DrillFailed'))] }),
      ['degraded tenant home/acme: DrillFailed (1)'],
    ],
    [
      'a manager that does not get to a tenant',
      facts({
        tenants: [aTenantControlPlane({ status: { observedGeneration: 2, conditions: [condition('Ready', 'Usable', 'True')] } })],
      }),
      ['broken tenant home/acme: NotSeen (1)'],
    ],
  ])('tell %s', (_, given, expected) => {
    expect(told(given)).toEqual(expected)
  })

  test('say what to do', () => {
    const [scaled] = findingsOf(
      facts({
        syncer: {
          ...part('berth-syncer'),
          workload: { ...part('berth-syncer').workload, metadata: { namespace: 'berth-system' }, spec: { replicas: 0 } },
        },
      }),
    )
    expect(scaled?.message).toBe(
      'berth-syncer is scaled to zero, so that nothing of berth-syncer is done: kubectl scale deployment/berth-syncer -n berth-system --replicas=1',
    )
  })
})
