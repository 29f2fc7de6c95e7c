import { describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { OperationRecord } from './operation-record.ts'
import { cancellationOf, progressOf, type Seen } from './operation-view.ts'

const createdAt = '2026-11-22T12:00:00Z'
const now = Date.parse(createdAt) + 5000
const target = { name: 'shop', uid: 'u1', generation: 2 }
const record = (of: Partial<OperationRecord> = {}): OperationRecord => ({
  id: 'a'.repeat(26),
  kind: 'create',
  tenant: 'shop',
  fingerprint: '',
  wanted: {},
  createdAt,
  requestId: 'r',
  by: 'k',
  ...of,
})

interface Given {
  readonly uid?: string
  readonly madeBy?: string
  readonly deleting?: boolean
  readonly spec?: object
  readonly status?: object
}
const plane = ({ uid = 'u1', madeBy = 'a'.repeat(26), deleting, spec = {}, status = {} }: Given = {}): TenantControlPlane =>
  ({
    metadata: {
      name: 'shop',
      uid,
      generation: 2,
      annotations: { 'berth.dev/made-by-operation': madeBy },
      ...(deleting && { deletionTimestamp: createdAt }),
    },
    spec,
    status: { observedGeneration: 2, ...status },
  }) as unknown as TenantControlPlane
const is = (type: string, status: string, reason = 'R', message = 'why') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '',
})
const seen = (tenant?: TenantControlPlane, more: Partial<Seen> = {}): Seen => ({ tenant, snapshot: undefined, now, ...more })
const later = { now: now + 120_000 }
const upgrade = (phase: string, more: object = {}) => ({
  from: 'v1.36.3',
  to: 'v1.37.1',
  request: 'x',
  phase,
  message: 'm',
  startedAt: '',
  ...more,
})
const ready = { conditions: [is('Ready', 'True')] }
const refused = { status: 409, headers: {} }

describe('progressOf', () => {
  test.for<[name: string, of: Partial<OperationRecord>, given: Seen, state: string]>([
    ['refused', { answer: refused }, seen(), 'Failed'],

    ['creation: nothing is there yet', {}, seen(), 'Pending'],
    ['creation: nothing is there, and nobody is at it any more', {}, seen(undefined, later), 'Failed'],
    ['creation: begun', { target }, seen(plane()), 'Running'],
    ['creation: ready', { target }, seen(plane({ status: { timings: { Ready: 9 } } })), 'Succeeded'],
    [
      'creation: ready once is enough',
      { target },
      seen(plane({ deleting: true, status: { timings: { Ready: 9 } } })),
      'Succeeded',
    ],
    ['creation: deleted before it was ready', { target }, seen(plane({ deleting: true })), 'Failed'],
    ['creation: gone', { target }, seen(), 'Failed'],
    ['creation: another tenant of this name', { target }, seen(plane({ madeBy: 'b'.repeat(26), uid: 'u2' })), 'Failed'],
    ['creation: killed before its answer, but made', {}, seen(plane(), later), 'Running'],
    ['creation: cancelled, going', { target, cancelledAt: createdAt }, seen(plane({ deleting: true })), 'Running'],
    ['creation: cancelled', { target, cancelledAt: createdAt }, seen(), 'Cancelled'],

    ['deletion: going', { kind: 'delete', target }, seen(plane({ deleting: true })), 'Running'],
    ['deletion: gone', { kind: 'delete', target }, seen(), 'Succeeded'],
    ['deletion: a new tenant of this name', { kind: 'delete', target }, seen(plane({ uid: 'u2' })), 'Succeeded'],
    ['deletion: about to be', { kind: 'delete', target }, seen(plane()), 'Pending'],
    ['deletion: killed before', { kind: 'delete', target }, seen(plane(), later), 'Failed'],

    [
      'pause: not looked at',
      { kind: 'pause', target, wanted: { state: 'Paused' } },
      seen(plane({ status: { observedGeneration: 1 } })),
      'Running',
    ],
    [
      'pause: under way',
      { kind: 'pause', target, wanted: { state: 'Paused' } },
      seen(plane({ spec: { state: 'Paused' } })),
      'Running',
    ],
    [
      'pause: done',
      { kind: 'pause', target, wanted: { state: 'Paused' } },
      seen(plane({ spec: { state: 'Paused' }, status: { conditions: [is('Paused', 'True', 'Paused')] } })),
      'Succeeded',
    ],
    [
      'pause: refused by the manager',
      { kind: 'pause', target, wanted: { state: 'Hibernated' } },
      seen(plane({ spec: { state: 'Hibernated' }, status: { conditions: [is('Paused', 'False', 'DataWouldBeLost')] } })),
      'Failed',
    ],
    [
      'pause: resumed since',
      { kind: 'pause', target, wanted: { state: 'Paused' } },
      seen(plane({ status: ready })),
      'Superseded',
    ],
    ['resume: done', { kind: 'resume', target, wanted: { state: 'Running' } }, seen(plane({ status: ready })), 'Succeeded'],
    ['change: done', { kind: 'update', target }, seen(plane({ status: ready })), 'Succeeded'],
    ['change: under way', { kind: 'update', target }, seen(plane()), 'Running'],
    ['change: the tenant is another', { kind: 'update', target }, seen(plane({ uid: 'u2' })), 'Failed'],
    ['change: killed before', { kind: 'update' }, seen(plane(), later), 'Failed'],

    ...(
      [
        ['Waiting', 'Running'],
        ['Blocked', 'Running'],
        ['RollingOut', 'Running'],
        ['GoingBack', 'Running'],
        ['Done', 'Succeeded'],
        ['Failed', 'Failed'],
      ] as const
    ).map(([phase, state]): [string, Partial<OperationRecord>, Seen, string] => [
      `upgrade: ${phase}`,
      { kind: 'upgrade', target, wanted: { version: 'v1.37.1' } },
      seen(plane({ spec: { version: 'v1.37.1' }, status: { upgrade: upgrade(phase) } })),
      state,
    ]),
    [
      'upgrade: to what runs already',
      { kind: 'upgrade', target, wanted: { version: 'v1.37.1' } },
      seen(plane({ spec: { version: 'v1.37.1' }, status: { version: 'v1.37.1' } })),
      'Succeeded',
    ],
    [
      'upgrade: another version since',
      { kind: 'upgrade', target, wanted: { version: 'v1.37.1' } },
      seen(plane({ spec: { version: 'v1.36.3' } })),
      'Superseded',
    ],

    [
      'restore: done',
      { kind: 'restore', target, wanted: { requestedAt: 't1' } },
      seen(plane({ spec: { restore: { requestedAt: 't1' } }, status: { restore: { id: '2', phase: 'Done', message: '' } } })),
      'Succeeded',
    ],
    [
      'restore: the one before is all that is told yet',
      { kind: 'restore', target, wanted: { requestedAt: 't1', before: '1' } },
      seen(plane({ spec: { restore: { requestedAt: 't1' } }, status: { restore: { id: '1', phase: 'Done', message: '' } } })),
      'Running',
    ],
    ['restore: another since', { kind: 'restore', target, wanted: { requestedAt: 't1' } }, seen(plane()), 'Superseded'],

    [
      'snapshot: begun',
      { kind: 'snapshot', target },
      seen(undefined, { snapshot: { metadata: {} } as ControlPlaneSnapshot }),
      'Running',
    ],
    [
      'snapshot: done',
      { kind: 'snapshot', target },
      seen(undefined, { snapshot: { metadata: {}, status: { phase: 'Complete' } } as ControlPlaneSnapshot }),
      'Succeeded',
    ],
    ['snapshot: gone', { kind: 'snapshot', target }, seen(), 'Failed'],
  ])('%s', ([, of, given, state]) => {
    expect(progressOf(record(of), given).state).toBe(state)
  })

  test('says which step runs', () => {
    const status = { upgrade: upgrade('RollingOut') }
    const given = seen(plane({ spec: { version: 'v1.37.1' }, status }))
    const { steps } = progressOf(record({ kind: 'upgrade', target, wanted: { version: 'v1.37.1' } }), given)
    expect(steps.map(({ state }) => state)).toEqual(['Done', 'Done', 'Running', 'Waiting'])
  })
})

describe('cancellationOf', () => {
  const upgraded = (phase: string) => seen(plane({ spec: { version: 'v1.37.1' }, status: { upgrade: upgrade(phase) } }))
  const anUpgrade = { kind: 'upgrade', target, wanted: { version: 'v1.37.1' } } as const
  test.for<[name: string, of: Partial<OperationRecord>, given: Seen, undo: object | undefined]>([
    ['a creation under way', { target }, seen(plane()), { kind: 'delete', uid: 'u1' }],
    ['a creation that is done', { target }, seen(plane({ status: { timings: { Ready: 1 } } })), undefined],
    ['a creation of another tenant', { target }, seen(plane({ madeBy: 'b'.repeat(26) })), undefined],
    ['an upgrade that waits', anUpgrade, upgraded('Waiting'), { kind: 'version', version: 'v1.36.3' }],
    ['an upgrade that is rolled out', anUpgrade, upgraded('RollingOut'), undefined],
    ['an upgrade that is done', anUpgrade, upgraded('Done'), undefined],
    ['a deletion', { kind: 'delete', target }, seen(plane({ deleting: true })), undefined],
    ['a pause', { kind: 'pause', target, wanted: { state: 'Paused' } }, seen(plane({ spec: { state: 'Paused' } })), undefined],
  ])('%s', ([, of, given, undo]) => {
    expect(cancellationOf(record(of), given)).toEqual(undo)
  })
})
