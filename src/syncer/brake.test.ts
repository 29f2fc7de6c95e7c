import { describe, expect, test } from 'vitest'
import { type BrakeRecord, type BrakeView, brakeReason, verdictOf } from './brake.ts'

describe('brakeReason', () => {
  test.for<[name: string, input: Partial<Parameters<typeof brakeReason>[0]>, freezes: RegExp | undefined]>([
    ['lets a new tenant begin', { recordedStore: undefined }, undefined],
    ['lets a tenant go on that lost nothing', { superObjects: 1000, orphans: 0 }, undefined],
    ['freezes when the store is another one', { presentStore: 'b', superObjects: 3 }, /data store is another one/],
    ['lets a new store of a tenant without objects begin', { presentStore: 'b', superObjects: 0 }, undefined],
    ['freezes when most objects vanished', { superObjects: 100, orphans: 51 }, /51 of 100/],
    ['lets half of the objects go', { superObjects: 100, orphans: 50 }, undefined],
    ['lets the few objects of a small tenant go', { superObjects: 9, orphans: 9 }, undefined],
    [
      'freezes whatever was restored, if only one object is in super',
      { restoredFrom: 'daily', superObjects: 1 },
      /restored from snapshot daily/,
    ],
    ['lets a restored tenant begin that has nothing in super', { restoredFrom: 'daily', superObjects: 0 }, undefined],
    ['freezes at ten of ten', { superObjects: 10, orphans: 10 }, /10 of 10/],
  ])('%s', ([, input, freezes]) => {
    const reason = brakeReason({ recordedStore: 'a', presentStore: 'a', superObjects: 20, orphans: 0, ...input })
    if (freezes) expect(reason).toMatch(freezes)
    else expect(reason).toBeUndefined()
  })
})

describe('verdictOf', () => {
  const record: BrakeRecord = { store: 'a', frozen: undefined, resumed: undefined, restored: undefined }
  const view: BrakeView = { presentStore: 'a', restored: undefined, resume: undefined, superObjects: 20, orphans: 0 }
  const restored = { id: 'r1', snapshotName: 'daily', at: '2026-06-01T10:00:00Z' }
  test.for<[name: string, record: Partial<BrakeRecord>, view: Partial<BrakeView>, expected: object]>([
    ['goes on with a tenant that lost nothing', {}, {}, { store: 'a', frozen: undefined }],
    ['freezes a restored one', {}, { restored }, { frozen: /restored from snapshot daily/, restored: undefined }],
    ['lets a restored one without objects begin', {}, { restored, superObjects: 0 }, { frozen: undefined, restored: 'r1' }],
    ['goes on after a restore that was let through', { restored: 'r1' }, { restored }, { frozen: undefined, restored: 'r1' }],
    [
      'hears a word of after the restore',
      { frozen: 'restored' },
      { restored, resume: '2026-06-01T10:00:01Z' },
      { frozen: undefined, resumed: '2026-06-01T10:00:01Z', restored: 'r1' },
    ],
    [
      'takes a word of before the restore for none',
      {},
      { restored, resume: '2026-06-01T09:59:59Z' },
      { frozen: /restored from/, resumed: '2026-06-01T09:59:59Z', restored: undefined },
    ],
    ['takes a word that is no time for none about a restore', {}, { restored, resume: 'yes' }, { frozen: /restored from/ }],
    ['hears a word once', { resumed: 'w', frozen: 'x' }, { resume: 'w' }, { frozen: 'x' }],
    ['hears a word about what vanished', { frozen: 'x' }, { resume: 'w' }, { frozen: undefined, resumed: 'w' }],
    ['keeps the store that it knew while it is frozen', {}, { presentStore: 'b' }, { store: 'a', frozen: /another one/ }],
    [
      'takes another store when it is told to',
      { frozen: 'x' },
      { presentStore: 'b', resume: 'w' },
      { store: 'b', frozen: undefined },
    ],
  ])('%s', ([, known, seen, expected]) => {
    const verdict = verdictOf({ ...record, ...known }, { ...view, ...seen })
    for (const [name, value] of Object.entries(expected)) {
      const got = verdict[name as keyof BrakeRecord]
      if (value instanceof RegExp) expect(got, name).toMatch(value)
      else expect(got, name).toBe(value)
    }
  })
})
