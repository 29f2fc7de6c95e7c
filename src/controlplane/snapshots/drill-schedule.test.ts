import { describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot, DrillStatus } from '../../apis/control-plane-snapshot.ts'
import type { TenantControlPlaneStatus } from '../../apis/tenant-status.ts'
import { frozen } from '../../testing/frozen.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import { drillRequestOf } from './drill-plan.ts'
import { backupProof, drillOrder, hasRoomForDrill, nextDrill } from './drill-schedule.ts'

const uid = '6d3f0c1e-1111-4222-8333-944455556666'
const at = (text: string): Date => new Date(`2026-06-${text}:00Z`)
const stamp = (text: string): string => `2026-06-${text}:00Z`
// Created on the first of June 2026, at midnight UTC.
const aTenant = (drill: object = {}, status?: object, spec: object = {}) =>
  aTenantControlPlane({
    spec: { backup: { drill: { schedule: '0 5 * * *', ...drill } }, ...spec },
    ...(status && { status: status as TenantControlPlaneStatus }),
  })

interface More {
  readonly phase?: string
  readonly drill?: Partial<DrillStatus>
  /** Asked for, whatever was answered. */
  readonly asked?: string
  readonly of?: string
  readonly metadata?: object
  readonly tenantName?: string
}

const taken = (when: string, { phase = 'Complete', drill, asked, of = uid, metadata, tenantName = 'acme' }: More = {}) => {
  const spec = { tenantName, ...(asked !== undefined && { drill: { requestedAt: asked } }) } as ControlPlaneSnapshot['spec']
  const answered = drill && { request: drillRequestOf({ spec }) ?? 'an-earlier-one', message: 'm', ...drill }
  return frozen({
    metadata: { name: `s-${when}`, namespace: 'home', creationTimestamp: stamp(when), ...metadata },
    spec,
    status: { phase, tenantUid: of, startedAt: stamp(when), ...(answered && { drill: answered }) },
  }) as ControlPlaneSnapshot
}
const drilled = (when: string, result: DrillStatus['result'] = 'Passed'): Partial<DrillStatus> => ({
  result,
  message: result === 'Failed' ? 'a Secret could not be read' : '120 objects',
  startedAt: stamp(when),
  ...(result !== 'Running' && { checkedAt: stamp(when) }),
})
const last = (snapshot: string, when: string, result = 'Passed') => ({
  backup: {
    lastDrill: {
      snapshotName: `s-${snapshot}`,
      takenAt: stamp(snapshot),
      result,
      message: 'm',
      startedAt: stamp(when),
      checkedAt: stamp(when),
    },
  },
})

describe('a schedule of drills', () => {
  test.for<
    [name: string, tenant: ReturnType<typeof aTenant>, snapshots: ControlPlaneSnapshot[], now: string, drills: string | undefined]
  >([
    ['has nothing due before its first time', aTenant(), [taken('01T03:00')], '01T04:59', undefined],
    ['has one due when its time has come', aTenant(), [taken('01T03:00')], '01T05:00', 's-01T03:00 for 01T05:00'],
    [
      'drills the newest that is complete',
      aTenant(),
      [taken('01T03:00'), taken('01T04:00'), taken('01T04:30', { phase: 'Failed' })],
      '01T05:00',
      's-01T04:00 for 01T05:00',
    ],
    [
      'drills what people took as well',
      aTenant(),
      [taken('01T04:00', { metadata: { labels: {} } })],
      '01T06:00',
      's-01T04:00 for 01T05:00',
    ],
    [
      'has nothing due once it was drilled',
      aTenant(),
      [taken('01T03:00', { drill: drilled('01T05:00') })],
      '01T23:00',
      undefined,
    ],
    [
      'nor once the drill failed',
      aTenant(),
      [taken('01T03:00', { drill: drilled('01T05:01', 'Failed') })],
      '01T23:00',
      undefined,
    ],
    [
      'makes up for many that were missed by one',
      aTenant(),
      [taken('01T03:00', { drill: drilled('01T05:00') }), taken('09T03:00')],
      '09T12:00',
      's-09T03:00 for 09T05:00',
    ],
    [
      'knows of a drill whose snapshot is gone',
      aTenant({}, last('01T03:00', '09T05:00')),
      [taken('09T03:00')],
      '09T12:00',
      undefined,
    ],
    [
      'counts a drill that somebody asked for after its time',
      aTenant(),
      [taken('01T03:00', { drill: drilled('01T05:10') })],
      '01T05:20',
      undefined,
    ],
    [
      'drills the same one again where there is no newer one',
      aTenant(),
      [taken('01T03:00', { drill: drilled('01T05:00') })],
      '02T05:00',
      's-01T03:00 for 02T05:00',
    ],
    [
      'waits for one that is under way',
      aTenant(),
      [taken('01T03:00', { drill: drilled('01T04:50', 'Running') }), taken('01T04:00')],
      '01T05:00',
      undefined,
    ],
    [
      'waits for one that somebody asked for',
      aTenant(),
      [taken('01T03:00', { asked: stamp('01T04:59') }), taken('01T04:00')],
      '01T05:00',
      undefined,
    ],
    [
      'does not wait for one of a snapshot that is being deleted',
      aTenant(),
      [
        taken('01T03:00', { drill: drilled('01T04:50', 'Running'), metadata: { deletionTimestamp: stamp('01T04:55') } }),
        taken('01T04:00'),
      ],
      '01T05:00',
      's-01T04:00 for 01T05:00',
    ],
    [
      'does not drill one of an earlier tenant of its name',
      aTenant(),
      [taken('01T03:00', { of: 'earlier' })],
      '01T05:00',
      undefined,
    ],
    ['nor one of another tenant', aTenant(), [taken('01T03:00', { tenantName: 'blue' })], '01T05:00', undefined],
    ['nor one of another namespace', aTenant(), [taken('01T03:00', { metadata: { namespace: 'away' } })], '01T05:00', undefined],
    ['is none without a schedule', aTenant({ schedule: undefined }), [taken('01T03:00')], '09T05:00', undefined],
    [
      'goes by the time zone',
      aTenantControlPlane({ spec: { backup: { timeZone: 'Europe/Berlin', drill: { schedule: '0 5 * * *' } } } }),
      [taken('01T02:00')],
      '01T03:00',
      's-01T02:00 for 01T03:00',
    ],
  ])('%s', ([, tenant, snapshots, now, drills]) => {
    const { start } = nextDrill(tenant, snapshots, at(now))
    const said = start && `${start.snapshot.metadata.name} for ${start.at.toISOString().slice(8, 16)}`
    expect(said).toBe(drills)
  })

  test('says when to look again, and what is wrong with it', () => {
    expect(nextDrill(aTenant(), [], at('01T02:00')).next?.toISOString()).toBe('2026-06-01T05:00:00.000Z')
    for (const schedule of ['61 3 * * *', '0 3 * * mox'])
      expect(() => nextDrill(aTenant({ schedule }), [], at('01T02:00'))).toThrow(/spec\.backup\.drill\.schedule: /)
  })

  test('asks for a drill with what opens it', () => {
    expect(drillOrder(aTenant({ identitySecretName: 'age-key' }), at('01T05:00'))).toEqual({
      requestedAt: stamp('01T05:00'),
      identitySecretName: 'age-key',
    })
    // What an earlier one was opened with is taken away.
    expect(drillOrder(aTenant(), at('01T05:00')).identitySecretName).toBeNull()
  })
})

describe('the proof of a backup', () => {
  test.for<[name: string, tenant: ReturnType<typeof aTenant>, snapshots: ControlPlaneSnapshot[], now: string, said: RegExp]>([
    [
      'before the first drill',
      aTenant(),
      [taken('01T03:00')],
      '01T04:00',
      /^Unknown NotDrilled: .*next time is 2026-06-01T05:00:00Z$/,
    ],
    ['without a snapshot, before its time', aTenant(), [], '01T04:00', /^Unknown NotDrilled/],
    [
      'without a snapshot when its time has come',
      aTenant(),
      [],
      '01T05:00',
      /^False NoSnapshot: .*set spec\.backup\.schedule, or take one/,
    ],
    ['with one that failed only', aTenant(), [taken('01T03:00', { phase: 'Failed' })], '01T05:00', /^False NoSnapshot/],
    [
      'after one that passed',
      aTenant(),
      [taken('01T03:00', { drill: drilled('01T05:00') })],
      '01T06:00',
      /^True DrillPassed: snapshot s-01T03:00 of 2026-06-01T03:00:00Z passed its drill at 2026-06-01T05:00:00Z: 120 objects$/,
    ],
    [
      'after one that failed',
      aTenant(),
      [taken('01T03:00', { drill: drilled('01T05:00', 'Failed') })],
      '01T06:00',
      /^False DrillFailed: snapshot s-01T03:00 .*a Secret could not be read; once that is mended, berth snapshot drill/,
    ],
    [
      'mended by another drill of it',
      aTenant({}, last('01T03:00', '01T05:00', 'Failed')),
      [taken('01T03:00', { drill: drilled('01T07:00') })],
      '01T08:00',
      /^True DrillPassed/,
    ],
    [
      'or of a newer one',
      aTenant({}, last('01T03:00', '01T05:00', 'Failed')),
      [taken('01T06:00', { drill: drilled('01T07:00') })],
      '01T08:00',
      /^True .*s-01T06:00/,
    ],
    [
      'not by one of an older one',
      aTenant({}, last('01T03:00', '01T05:00', 'Failed')),
      [taken('01T02:00', { drill: drilled('01T07:00') })],
      '01T08:00',
      /^False DrillFailed/,
    ],
    [
      'nor lost by one of an older one',
      aTenant({}, last('01T03:00', '01T05:00')),
      [taken('01T02:00', { drill: drilled('01T07:00', 'Failed') })],
      '01T08:00',
      /^True/,
    ],
    [
      'known beyond the life of its snapshot',
      aTenant({}, last('01T03:00', '01T05:00')),
      [],
      '01T08:00',
      /^True DrillPassed: snapshot s-01T03:00/,
    ],
    ['but not for ever, when there are no more', aTenant({}, last('01T03:00', '01T05:00')), [], '02T05:00', /^False NoSnapshot/],
    [
      'while the next one is under way',
      aTenant({}, last('01T03:00', '01T05:00')),
      [taken('02T03:00', { drill: drilled('02T05:00', 'Running') })],
      '02T05:05',
      /^True .*s-01T03:00/,
    ],
    [
      'when that does not come to an end',
      aTenant({}, last('01T03:00', '01T05:00')),
      [taken('02T03:00', { drill: drilled('02T05:00', 'Running') })],
      '02T07:01',
      /^False DrillLate: the drill of snapshot s-02T03:00 has not ended since/,
    ],
    [
      'when that was drilled long before, and is drilled again',
      aTenant({}, last('01T03:00', '01T05:00')),
      [
        taken('01T03:00', {
          asked: stamp('02T05:00'),
          drill: { request: 'an-earlier-one', result: 'Passed', startedAt: stamp('01T05:00'), checkedAt: stamp('01T05:01') },
        }),
      ],
      '02T05:05',
      /^True DrillPassed/,
    ],
    [
      'when one is never begun',
      aTenant({}, last('01T03:00', '01T05:00')),
      [taken('02T03:00', { asked: stamp('02T05:00') })],
      '02T07:01',
      /^False DrillLate: the drill of snapshot s-02T03:00 has not begun since it was asked for at 2026-06-02T05:00:00Z\. See/,
    ],
    [
      'of a schedule that is none',
      aTenant({ schedule: '61 * * * *' }),
      [],
      '01T05:00',
      /^False ScheduleInvalid: spec\.backup\.drill\.schedule/,
    ],
    [
      'of a store that somebody else runs',
      aTenant({}, undefined, { dataStore: { kind: 'shared', name: 'pool' } }),
      [],
      '01T05:00',
      /^False ScheduleInvalid: .*whoever runs that etcd/,
    ],
  ])('%s', ([, tenant, snapshots, now, said]) => {
    const proof = backupProof(tenant, snapshots, at(now))
    expect(`${proof?.condition.status} ${proof?.condition.reason}: ${proof?.condition.message}`).toMatch(said)
  })

  test('is nobody’s word where no drills are scheduled', () => {
    expect(
      backupProof(aTenant({ schedule: undefined }), [taken('01T03:00', { drill: drilled('01T05:00') })], at('02T05:00')),
    ).toBeUndefined()
  })
})

test.for<[name: string, open: number, more: readonly ControlPlaneSnapshot[], hasRoom: boolean]>([
  ['there is while fewer are open', 2, [], true],
  ['there is none beyond three of whatever tenants', 3, [], false],
  ['one that ended takes none', 2, [taken('01T04:00', { drill: drilled('01T04:50') })], true],
  ['one that was asked for takes it', 2, [taken('01T04:00', { asked: stamp('01T04:59') })], false],
  ['one that is late takes none any more', 2, [taken('01T01:00', { asked: stamp('01T02:00') })], true],
  [
    'nor one of a snapshot that is being deleted',
    2,
    [taken('01T04:00', { asked: stamp('01T04:59'), metadata: { deletionTimestamp: stamp('01T04:59') } })],
    true,
  ],
])('room for a drill: %s', ([, open, more, hasRoom]) => {
  const running = Array.from({ length: open }, (_, index) =>
    taken('01T03:00', { of: `tenant-${index}`, drill: drilled('01T04:55', 'Running') }),
  )
  expect(hasRoomForDrill([...running, ...more], at('01T05:00'))).toBe(hasRoom)
})
