import { describe, expect, test } from 'vitest'
import { frozen } from '../testing/frozen.ts'
import { type ApiReading, advance, type Sample, type Standing, type Workload } from './advance.ts'
import { type Amounts, addAmounts, noAmounts } from './amounts.ts'
import { mergeHours } from './hours.ts'

const start = Date.parse('2026-11-22T10:00:00Z')
const minute = 60_000
const day = 24 * 60 * minute
const nothing: Workload = { cpu: 0, memory: 0, storage: 0 }
const pods: Workload = { cpu: 500, memory: 1000, storage: 2000 }

const read = (
  objects: number | undefined,
  ...replicas: readonly (readonly [pod: string, requests: number, startedAt?: number])[]
) =>
  ({
    kind: 'read',
    objects,
    pods: ['a', 'b'],
    replicas: replicas.map(([pod, requests, startedAt = start]) => ({ pod, requests, startedAt })),
  }) satisfies ApiReading

interface Seen {
  /** Minutes after the start; may be a part. */
  readonly at: number
  readonly runs?: boolean
  readonly workload?: Workload | undefined
  readonly api?: Sample['api']
}

/** Super says nothing. */
const silent = (at: number): Seen => ({ at, workload: undefined })

/** Everything of a tenant that was made at the start, after these samples. */
const after = (seen: readonly Seen[], createdAt = start): { sums: Partial<Amounts>; standing: Standing | undefined } => {
  let standing: Standing | undefined
  let hours: ReturnType<typeof advance>['added'] = new Map()
  for (const each of seen) {
    const { at, runs = true, api = 'unasked' } = each
    const workload = 'workload' in each ? each.workload : nothing
    const step = advance(standing && frozen(standing), frozen({ at: start + at * minute, createdAt, runs, workload, api }))
    standing = step.standing
    hours = mergeHours(hours, step.added)
  }
  const sum = [...hours.values()].reduce((all, each) => addAmounts(all, each), noAmounts)
  return { sums: Object.fromEntries(Object.entries(sum).filter(([, amount]) => amount > 0n)), standing }
}

const ms = (minutes: number): bigint => BigInt(minutes * minute)

describe('what samples add up to', () => {
  test.for<[what: string, seen: readonly Seen[], sums: Partial<Amounts>]>([
    ['nothing before a second look', [{ at: 0, workload: pods }], {}],
    [
      'what was held until the next sample',
      [
        { at: 0, workload: pods },
        { at: 1, workload: { cpu: 9000, memory: 0, storage: 0 } },
      ],
      { existedMs: ms(1), ranMs: ms(1), cpu: 500n * ms(1), memory: 1000n * ms(1), storage: 2000n * ms(1) },
    ],
    [
      'a new tenant from its creation on, with nothing held before it was seen',
      [{ at: 2, workload: pods }],
      { existedMs: ms(2) },
    ],
    [
      'a control plane that does not run has hours, and runs none',
      [
        { at: 0, runs: false, workload: pods },
        { at: 4, runs: true, workload: pods },
      ],
      { existedMs: ms(4), cpu: 500n * ms(4), memory: 1000n * ms(4), storage: 2000n * ms(4) },
    ],
    [
      'a short silence of super is bridged',
      [{ at: 0, workload: pods }, silent(1), silent(2), { at: 3, workload: pods }],
      { existedMs: ms(3), ranMs: ms(3), cpu: 500n * ms(3), memory: 1000n * ms(3), storage: 2000n * ms(3) },
    ],
    [
      'a long one is told, as soon as it is long, and until it ends',
      [{ at: 0, workload: pods }, silent(3), silent(6), silent(7), { at: 8, workload: pods }],
      { existedMs: ms(8), ranMs: ms(8), unmeasuredWorkloadMs: ms(8) },
    ],
    [
      'five minutes to the second are no gap',
      [
        { at: 0, workload: pods },
        { at: 5, workload: pods },
      ],
      { existedMs: ms(5), ranMs: ms(5), cpu: 500n * ms(5), memory: 1000n * ms(5), storage: 2000n * ms(5) },
    ],
    [
      'a night without a meter: the tenant was there, and nobody knows more',
      [
        { at: 0, workload: pods, api: { kind: 'silent' } },
        { at: 480, workload: pods, api: { kind: 'silent' } },
      ],
      { existedMs: ms(480), unmeasuredWorkloadMs: ms(480), unmeasuredApiMs: ms(480) },
    ],
    [
      'a clock that went back: no minute counts twice',
      [
        { at: 0, workload: pods },
        { at: 4, workload: pods },
        { at: 1, workload: pods },
        { at: 3, workload: pods },
        { at: 5, workload: pods },
      ],
      { existedMs: ms(5), ranMs: ms(5), cpu: 500n * ms(5), memory: 1000n * ms(5), storage: 2000n * ms(5) },
    ],
    [
      'objects as long as they were there',
      [
        { at: 0, api: read(10, ['a', 0]) },
        { at: 2, api: read(20, ['a', 0]) },
        { at: 3, api: read(0, ['a', 0]) },
      ],
      { existedMs: ms(3), ranMs: ms(3), objects: 10n * ms(2) + 20n * ms(1) },
    ],
    [
      'a server that has not counted its objects yet is bridged',
      [
        { at: 0, api: read(10, ['a', 0]) },
        { at: 2, api: read(undefined, ['a', 5]) },
        { at: 4, api: read(20, ['a', 9]) },
      ],
      { existedMs: ms(4), ranMs: ms(4), objects: 10n * ms(4), requests: 9n },
    ],
    [
      'one that does not count them in five minutes is not measured',
      [
        { at: 0, api: read(10, ['a', 0]) },
        { at: 4, api: read(undefined, ['a', 5]) },
        { at: 8, api: read(undefined, ['a', 9]) },
      ],
      { existedMs: ms(8), requests: 9n, unmeasuredApiMs: ms(8) },
    ],
    [
      'no objects and no gap while nobody is to answer',
      [
        { at: 0, api: { kind: 'silent' } },
        { at: 4, api: { kind: 'silent' } },
        { at: 8, api: { kind: 'silent' } },
      ],
      { existedMs: ms(8), ranMs: ms(4) },
    ],
    [
      'a server that does not answer: a gap for objects, none for requests, as it counted on',
      [
        { at: 0, api: read(10, ['a', 5]) },
        { at: 4, api: undefined },
        { at: 8, api: undefined },
        { at: 9, api: read(10, ['a', 105]) },
      ],
      { existedMs: ms(9), ranMs: ms(8), requests: 105n, unmeasuredApiMs: ms(9) },
    ],
  ])('%s', ([, seen, sums]) => {
    // Of the time between two samples that are too far apart nobody says that the control plane ran.
    const { ranMs: _ran, ...got } = after(seen).sums
    const { ranMs: _wanted, ...want } = sums
    expect(got).toEqual(want)
  })
  test('runs are counted between samples that are near', () => {
    expect(after([{ at: 0 }, { at: 4 }, { at: 8, runs: false }, { at: 9 }, { at: 90 }]).sums.ranMs).toBe(ms(8))
  })
})

describe('requests', () => {
  const first = { at: 0, api: read(1, ['a', 100]) }
  test.for<[what: string, next: ApiReading, requests: bigint | undefined]>([
    ['are those since the last reading', read(1, ['a', 130]), 130n],
    ['of a process that started anew are all of its own', read(1, ['a', 7, start + minute]), 107n],
    ['of a counter that went back are all of it', read(1, ['a', 7]), 107n],
    ['of a second replica are all of its own', read(1, ['a', 100], ['b', 5, start + minute]), 105n],
    ['of one that does not answer wait', read(1, ['b', 5, start + minute]), 105n],
  ])('%s', ([, next, requests]) => {
    expect(after([first, { at: 1, api: next }]).sums.requests).toBe(requests)
  })
  test('of a replica that did not answer for a while are not lost', () => {
    const seen = [first, { at: 1, api: read(1, ['b', 5]) }, { at: 2, api: read(1, ['a', 150], ['b', 5]) }]
    expect(after(seen).sums.requests).toBe(155n)
  })
  test('before a tenant was measured are nobody’s', () => {
    const old = start - day
    const seen = [
      { at: 0, api: read(1, ['a', 100, old]) },
      { at: 1, api: read(1, ['a', 130, old], ['b', 50, old]) },
    ]
    const { sums } = after(seen, start - 9 * day)
    expect(sums).toMatchObject({ requests: 30n, existedMs: ms(1) })
  })
  test('of pods that are gone are forgotten', () => {
    const { standing } = after([first, { at: 1, api: { ...read(1, ['b', 5]), pods: ['b'] } }])
    expect(Object.keys(standing?.api.counted ?? {})).toEqual(['b'])
  })
})

describe('a clock that is days off', () => {
  test.for<[what: string, at: number]>([
    ['ahead', 101 * day],
    ['behind', -2 * day],
  ])('%s counts nothing, and goes on from there', ([, off]) => {
    const { standing } = after([{ at: 0, workload: pods }])
    const there = { createdAt: start, runs: true, workload: pods, api: 'unasked' as const }
    const step = advance(standing, { ...there, at: start + off })
    expect([step.isWild, step.added.size]).toEqual([true, 0])
    const next = advance(step.standing, { ...there, at: start + off + minute })
    expect([...next.added.values()].map(({ existedMs }) => existedMs)).toEqual([ms(1)])
  })
})
