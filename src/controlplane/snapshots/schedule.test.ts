import { describe, expect, test } from 'vitest'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import { nextScheduleAction, scheduledName, scheduledSnapshot } from './schedule.ts'

const storage = { kind: 's3', s3: { endpoint: 'https://s3.example.com', bucket: 'berth', secretName: 'keys' } }
// Created on the first of June 2026, at midnight UTC.
const aPlane = (backup: object = {}) =>
  aTenantControlPlane({ spec: { backup: { schedule: '0 3 * * *', storage, keep: 2, ...backup } } })
const at = (text: string): Date => new Date(`2026-06-${text}:00Z`)
const taken = (when: string, phase: string | undefined = 'Complete', labels: object = { 'berth.dev/schedule': 'acme' }) =>
  ({
    metadata: { name: `s-${when}`, creationTimestamp: at(when).toISOString(), labels },
    status: { phase },
  }) as ControlPlaneSnapshot

describe('a schedule', () => {
  test.for<
    [name: string, plane: ReturnType<typeof aPlane>, snapshots: ControlPlaneSnapshot[], now: string, due: string | undefined]
  >([
    ['has nothing due before its first time', aPlane(), [], '01T02:59', undefined],
    ['has one due when its time has come', aPlane(), [], '01T03:00', '01T03:00'],
    ['has one due, however late', aPlane(), [], '01T09:00', '01T03:00'],
    ['has nothing due once it is taken', aPlane(), [taken('01T03:00')], '01T09:00', undefined],
    ['has nothing due once it was tried', aPlane(), [taken('01T03:01', 'Failed')], '01T09:00', undefined],
    ['makes up for many that were missed by one', aPlane(), [taken('01T03:00')], '09T12:00', '09T03:00'],
    ['does not count what people made', aPlane(), [taken('01T04:00', 'Complete', {})], '01T09:00', '01T03:00'],
    ['goes by its time zone', aPlane({ timeZone: 'Europe/Berlin' }), [], '01T01:00', '01T01:00'],
    ['is none without a schedule', aPlane({ schedule: undefined }), [], '09T12:00', undefined],
  ])('%s', ([, plane, snapshots, now, due]) => {
    expect(nextScheduleAction(plane, snapshots, at(now)).due?.toISOString()).toBe(due && at(due).toISOString())
  })

  test.for<[name: string, snapshots: ControlPlaneSnapshot[], surplus: string[]]>([
    ['all that are few enough', [taken('01T03:00'), taken('02T03:00')], []],
    ['the newest', [taken('02T03:00'), taken('01T03:00'), taken('03T03:00')], ['s-01T03:00']],
    ['not those that failed before a newer one', [taken('01T03:00', 'Failed'), taken('02T03:00')], ['s-01T03:00']],
    ['the last one that failed, to be looked at', [taken('01T03:00'), taken('02T03:00', 'Failed')], []],
    [
      'as many that failed as of the others',
      [taken('01T03:00', 'Failed'), taken('02T03:00', 'Failed'), taken('03T03:00', 'Failed')],
      ['s-01T03:00'],
    ],
    ['those that are still open', [taken('01T03:00', 'Running'), taken('02T03:00'), taken('03T03:00')], []],
    ['no old one for a failed one', [taken('01T03:00'), taken('02T03:00'), taken('03T03:00', 'Failed')], []],
    [
      'those of an earlier tenant of its name',
      [{ ...taken('01T03:00'), status: { phase: 'Complete', tenantUid: 'earlier' } }, taken('02T03:00'), taken('03T03:00')],
      [],
    ],
    ['what people made', [taken('01T03:00', 'Complete', {}), taken('02T03:00'), taken('03T03:00')], []],
  ])('keeps %s', ([, snapshots, surplus]) => {
    expect(nextScheduleAction(aPlane(), snapshots, at('04T02:00')).surplus).toEqual(surplus)
  })

  test('says when to look again, and what is wrong with it', () => {
    expect(nextScheduleAction(aPlane(), [], at('01T02:00')).next?.toISOString()).toBe('2026-06-01T03:00:00.000Z')
    for (const backup of [{ schedule: '61 3 * * *' }, { schedule: '0 3 * * mox' }, { timeZone: 'Mars/Olympus' }])
      expect(() => nextScheduleAction(aPlane(backup), [], at('01T02:00'))).toThrow(/spec\.backup\.schedule: /)
    // A class may have said where, and say it no more.
    expect(() => nextScheduleAction(aPlane({ storage: undefined }), [], at('01T02:00'))).toThrow(/set spec\.backup\.storage/)
  })

  test('gives one snapshot a time, whoever makes it', () => {
    expect(scheduledName('acme', at('01T03:00'))).toBe('acme-20260601-0300')
    const made = scheduledSnapshot(aPlane({ recipients: ['age1abc'] }), at('01T03:00'))
    expect(made).toEqual(scheduledSnapshot(aPlane({ recipients: ['age1abc'] }), at('01T03:00')))
    expect(made).toMatchObject({
      metadata: { namespace: 'home', labels: { 'berth.dev/schedule': 'acme' } },
      spec: { tenantName: 'acme', recipients: ['age1abc'], storage: { s3: { bucket: 'berth' } } },
    })
  })
})
