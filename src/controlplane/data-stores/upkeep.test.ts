import { expect, test } from 'vitest'
import { type Alarm, fillText, fullText, type MemberUsage, nextUpkeep, type UpkeepAction } from './upkeep.ts'

const mib = 2 ** 20
const quotaBytes = 100 * mib
const storageBytes = 250 * mib
const usage = (ordinal: number, size: number, inUse: number, isLeader = false): MemberUsage => ({
  ordinal,
  isLeader,
  sizeBytes: size * mib,
  inUseBytes: inUse * mib,
})
/** Started when its disk was half as large. */
const grown = (ordinal: number, size: number, inUse: number, isLeader = false): MemberUsage => ({
  ...usage(ordinal, size, inUse, isLeader),
  quotaBytes: 50 * mib,
})
const full: Alarm = { memberId: '1', kind: 'NOSPACE' }

test.for<[name: string, usages: MemberUsage[], alarms: Alarm[], action: Partial<UpkeepAction>]>([
  ['nothing', [usage(0, 90, 80, true)], [], { kind: 'none' }],
  ['a file that is mostly empty is made smaller', [usage(0, 90, 30, true)], [], { kind: 'defragment', ordinal: 0 }],
  ['one that nears its end as well', [usage(0, 85, 65, true)], [], { kind: 'defragment', ordinal: 0 }],
  ['not a small one', [usage(0, 60, 10, true)], [], { kind: 'none' }],
  ['the leader last', [usage(0, 99, 10, true), usage(1, 90, 30), usage(2, 90, 20)], [], { kind: 'defragment', ordinal: 2 }],
  ['a full one is made smaller first', [usage(0, 101, 60, true)], [full], { kind: 'defragment', ordinal: 0 }],
  ['each of its members', [usage(0, 60, 60, true), usage(1, 101, 60)], [full], { kind: 'defragment', ordinal: 1 }],
  ['then takes writes again', [usage(0, 61, 60, true), usage(1, 61, 60)], [full], { kind: 'disarm' }],
  ['not for what would not help yet: deletes go on meanwhile', [usage(0, 101, 94, true)], [full], { kind: 'full' }],
  ['one without any word of its disk is not called full', [], [full], { kind: 'disarm' }],
  ['of a disk that grew since a member started, it starts anew', [grown(0, 50, 40)], [full], { kind: 'restart', ordinal: 0 }],
  [
    'one after the other, the leader last',
    [grown(0, 50, 40, true), { ...grown(1, 50, 40), quotaBytes }, grown(2, 50, 40)],
    [full],
    { kind: 'restart', ordinal: 2 },
  ],
  ['not while there is room', [grown(0, 40, 40)], [], { kind: 'none' }],
  ['a full member goes by the quota that it started with', [{ ...usage(0, 48, 48), quotaBytes: 50 * mib }], [], { kind: 'none' }],
  ['corrupt data come first', [usage(0, 10, 10)], [full, { memberId: '2', kind: 'CORRUPT' }], { kind: 'corrupt' }],
])('%s', ([, usages, alarms, action]) => {
  expect(nextUpkeep({ usages, alarms, quotaBytes, storageBytes, canSpareOne: true, isWhole: true })).toMatchObject(action)
})

test.for<[name: string, given: object, alarms: Alarm[], action: string]>([
  ['none can be spared', { canSpareOne: false }, [], 'none'],
  ['none can be spared of a full one', { canSpareOne: false }, [full], 'full'],
  ['the disk has no room for a second file', { storageBytes: 130 * mib }, [], 'none'],
  ['nor when it is full', { storageBytes: 130 * mib }, [full], 'full'],
])('no member is defragmented where %s', ([, given, alarms, action]) => {
  const usages = [usage(0, 98, 40, true)]
  expect(nextUpkeep({ usages, alarms, quotaBytes, storageBytes, canSpareOne: true, isWhole: true, ...given }).kind).toBe(action)
})

test.for<[name: string, usages: MemberUsage[]]>([
  ['one that does not serve keeps the others', [usage(0, 50, 50, true), grown(1, 50, 50)]],
  ['a single one that does not serve', [grown(0, 50, 50)]],
])('of a store that is not whole nobody starts anew: %s', ([, usages]) => {
  const upkeep = { usages, alarms: [full], quotaBytes, storageBytes, canSpareOne: true, isWhole: false }
  expect(nextUpkeep(upkeep).kind).toBe('full')
})

test.for<[size: number, text: string | undefined]>([
  [79, undefined],
  [80, 'over 80 % of its 100 MiB are taken'],
  [84.9, 'over 80 % of its 100 MiB are taken'],
  [97, 'over 95 % of its 100 MiB are taken'],
])('%d of 100 MiB taken', ([size, text]) => {
  expect(fillText({ usages: [usage(0, 1, 1), usage(1, size, 1)], quotaBytes })).toBe(text)
})

test('a full store says how full, and what helps', () => {
  expect(fullText(usage(0, 99, 98), quotaBytes)).toMatch(/98 MiB of 100 MiB are in use\. Delete objects/)
})
