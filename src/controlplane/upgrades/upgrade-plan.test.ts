import { describe, expect, test } from 'vitest'
import { timestamp } from '../../apis/timestamp.ts'
import type { UpgradeStatus } from '../../apis/upgrade.ts'
import { beginUpgrade, nextUpgrade, restoreRequestId, stepRefusal, type UpgradeView } from './upgrade-plan.ts'

const now = new Date('2026-06-01T12:00:00Z')
const ago = (seconds: number): string => timestamp(new Date(now.getTime() - seconds * 1000))

const present = (change: Partial<UpgradeStatus>): UpgradeStatus => ({
  ...beginUpgrade({ from: 'v1.36.3', to: 'v1.37.1', request: 'r' }, new Date(ago(100))),
  ...change,
})

const view = (change: Partial<UpgradeView>): UpgradeView => ({
  now,
  isAskedFor: true,
  timeoutMs: 300_000,
  findings: [],
  snapshot: { kind: 'none' },
  isAtRest: false,
  rollout: { isDone: false },
  refused: undefined,
  passedBefore: true,
  restore: undefined,
  ...change,
})

type Row = readonly [
  what: string,
  status: Partial<UpgradeStatus>,
  seen: Partial<UpgradeView>,
  phase: UpgradeStatus['phase'] | undefined,
  message?: RegExp,
]

const rowsOf = (rows: readonly Row[]) =>
  test.each(rows.map((row) => ({ row, what: row[0] })))('$what', ({ row: [, status, seen, phase, message = /./] }) => {
    const next = nextUpgrade(present(status), view(seen))
    expect(next?.phase).toBe(phase)
    if (next) expect(next.message).toMatch(message)
  })

describe('before anything is changed', () => {
  rowsOf([
    ['it waits for what hinders it', { phase: 'Waiting' }, { hindrance: 'waits for its window' }, 'Waiting', /its window/],
    ['it waits again when something hinders it that did not', { phase: 'Blocked' }, { hindrance: 'at rest' }, 'Waiting'],
    [
      'it is blocked by what the checks find',
      { phase: 'Waiting' },
      { findings: ['a is gone', 'b is away'] },
      'Blocked',
      /a is gone; b is away/,
    ],
    ['it goes on when that is mended', { phase: 'Blocked', checkedAt: ago(31) }, {}, 'RollingOut'],
    ['it does not ask all the time', { phase: 'Blocked', checkedAt: ago(29), message: 'a' }, {}, 'Blocked', /^a$/],
    ['it saves the data where there is a place for them', { phase: 'Waiting' }, { snapshot: { kind: 'absent' } }, 'Saving'],
    ['it waits for them', { phase: 'Saving' }, { snapshot: { kind: 'running', message: '' } }, 'Saving'],
    ['it goes on when they are saved', { phase: 'Saving' }, { snapshot: { kind: 'complete' } }, 'RollingOut'],
    ['it goes on when they are not to be saved any more', { phase: 'Saving' }, { snapshot: { kind: 'none' } }, 'RollingOut'],
    [
      'it does not go on when they could not be saved',
      { phase: 'Saving' },
      { snapshot: { kind: 'failed', message: 'no bucket' } },
      'Blocked',
      /no bucket.*Never/,
    ],
    ['it waits when a move has begun', { phase: 'Saving' }, { hindrance: 'waits for the move' }, 'Waiting', /for the move/],
    ['it is forgotten when it is taken back', { phase: 'Saving' }, { isAskedFor: false }, undefined],
    ['also when it is blocked', { phase: 'Blocked', checkedAt: ago(1) }, { isAskedFor: false }, undefined],
  ])
})

describe('the new version', () => {
  const done = { rollout: { isDone: true } }
  rowsOf([
    ['is rolled out', { phase: 'RollingOut', rolledAt: ago(20) }, {}, 'RollingOut'],
    ['is looked at when it runs', { phase: 'RollingOut', rolledAt: ago(20) }, done, 'Verifying', /watched/],
    ['is looked at for ten seconds', { phase: 'Verifying', rolledAt: ago(20), passingSince: ago(9) }, done, 'Verifying'],
    ['is there to stay then', { phase: 'Verifying', rolledAt: ago(20), passingSince: ago(10) }, done, 'Done'],
    [
      'has to answer all the time',
      { phase: 'Verifying', rolledAt: ago(20), passingSince: ago(9) },
      { ...done, refused: { message: 'secrets cannot be listed', isOfData: true } },
      'Verifying',
      /but secrets/,
    ],
    [
      'goes when it does not answer in time',
      { phase: 'Verifying', rolledAt: ago(301) },
      { ...done, refused: { message: 'secrets cannot be listed', isOfData: true } },
      'GoingBack',
      /secrets cannot/,
    ],
    [
      'is given time when its pods fail',
      { phase: 'RollingOut', rolledAt: ago(60), failingSince: ago(44) },
      { rollout: { isDone: false, problem: 'x' } },
      'RollingOut',
    ],
    [
      'goes when they go on failing',
      { phase: 'RollingOut', rolledAt: ago(60), failingSince: ago(46) },
      { rollout: { isDone: false, problem: 'unknown flag' } },
      'GoingBack',
      /v1\.36\.3 takes its place again: unknown flag/,
    ],
    ['goes when it is not up in time', { phase: 'RollingOut', rolledAt: ago(301) }, {}, 'GoingBack', /within 300 s/],
    [
      'goes when it is not wanted any more',
      { phase: 'Verifying', rolledAt: ago(20) },
      { ...done, isAskedFor: false },
      'GoingBack',
    ],
    ['rests with its tenant', { phase: 'RollingOut', rolledAt: ago(9000) }, { isAtRest: true }, 'RollingOut', /at rest/],
    ['has all its time after that', { phase: 'RollingOut' }, {}, 'RollingOut'],
  ])

  test('has failed since its first failure, and from anew after it was well', () => {
    const first = nextUpgrade(
      present({ phase: 'RollingOut', rolledAt: ago(9) }),
      view({ rollout: { isDone: false, problem: 'x' } }),
    )
    expect(first?.failingSince).toBe(timestamp(now))
    expect(nextUpgrade(first as UpgradeStatus, view({}))?.failingSince).toBeUndefined()
  })

  test('has answered since its first answer, and from anew after it did not', () => {
    const seen = view({ rollout: { isDone: true } })
    const first = nextUpgrade(present({ phase: 'RollingOut', rolledAt: ago(9) }), seen)
    expect(first?.passingSince).toBe(timestamp(now))
    expect(
      nextUpgrade(first as UpgradeStatus, { ...seen, refused: { message: 'x', isOfData: false } })?.passingSince,
    ).toBeUndefined()
  })
})

describe('the way back', () => {
  const unreadable = { message: 'pods cannot be listed', isOfData: true }
  const back = { phase: 'GoingBack', failure: 'it broke', rolledAt: ago(30), snapshotName: 's' } as const
  const complete = { snapshot: { kind: 'complete' } } as const
  rowsOf([
    ['waits for the version before', back, {}, 'GoingBack'],
    [
      'ends with the data as they are when they can be read',
      back,
      { rollout: { isDone: true } },
      'Failed',
      /as they are.*it broke/,
    ],
    [
      'does not take the data for harmed at once',
      { ...back, failingSince: ago(29) },
      { ...complete, rollout: { isDone: true }, refused: unreadable },
      'GoingBack',
    ],
    [
      'restores them when they are',
      { ...back, failingSince: ago(31) },
      { ...complete, rollout: { isDone: true }, refused: unreadable },
      'RestoringData',
      /pods cannot be listed/,
    ],
    [
      'leaves them as they are when the version before does not come up: that is no sign of harm',
      { ...back, rolledAt: ago(301) },
      complete,
      'Failed',
      /was put back, but v1\.36\.3 is not up; the data of before are in snapshot s: berth restore/,
    ],
    [
      'leaves them as they are when something else refuses a request',
      { ...back, rolledAt: ago(301), failingSince: ago(200) },
      { ...complete, rollout: { isDone: true }, refused: { message: 'a webhook does not answer', isOfData: false } },
      'Failed',
      /a webhook does not answer; the data of before are in snapshot s/,
    ],
    [
      'leaves them as they are when nobody knows whether they could be read before',
      { ...back, rolledAt: ago(301), failingSince: ago(200) },
      { ...complete, rollout: { isDone: true }, refused: unreadable, passedBefore: false },
      'Failed',
    ],
    [
      'has no harm in view any more when they can be read again',
      { ...back, failingSince: ago(20) },
      { ...complete, rollout: { isDone: true }, refused: { message: 'slow', isOfData: false } },
      'GoingBack',
    ],
    [
      'says so when there is nothing to restore',
      { ...back, rolledAt: ago(301) },
      { snapshot: { kind: 'absent' } },
      'Failed',
      /no snapshot to restore/,
    ],
    ['cannot be taken back', back, { isAskedFor: false }, 'GoingBack'],
    [
      'waits for the restore',
      { phase: 'RestoringData', snapshotName: 's' },
      { restore: { phase: 'Loading', message: 'is being loaded' } },
      'RestoringData',
      /is being loaded/,
    ],
    [
      'ends with what was saved',
      { phase: 'RestoringData', snapshotName: 's' },
      { restore: { phase: 'Done', message: '' } },
      'Failed',
      /what was written after it is lost.*resume-sync/,
    ],
    [
      'tells why that was not possible',
      { phase: 'RestoringData', snapshotName: 's' },
      { restore: { phase: 'Failed', message: 'no such key' } },
      'Failed',
      /no such key/,
    ],
  ])
})

test('each upgrade asks for a restore of its own, also one to the same version', () => {
  const again = { ...present({}), startedAt: ago(10) }
  expect(restoreRequestId(again)).not.toBe(restoreRequestId(present({})))
})

test.each([
  ['v1.36.3', 'v1.37.1', undefined],
  ['v1.37.1', 'v1.36.3', /older.*Set spec\.version to v1\.37\.1/],
  ['v1.35.0', 'v1.37.1', /more than one minor/],
  ['v1.37.0', 'v1.37.1', undefined],
])('from %s to %s', (from, to, refusal) => {
  if (refusal) expect(stepRefusal({ from, to })).toMatch(refusal)
  else expect(stepRefusal({ from, to })).toBeUndefined()
})
