import { describe, expect, test } from 'vitest'
import { brakeReason } from './brake.ts'

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
