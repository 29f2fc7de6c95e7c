import { describe, expect, test } from 'vitest'
import { claimLease, isExpired, type Lease, microTime, observeLease } from './lease.ts'
import { liveMembers } from './shard.ts'

const aLease = (spec: Lease['spec'] = {}): Lease => ({
  metadata: { name: 'l', namespace: 'n', uid: 'u', resourceVersion: '1' },
  spec: { holderIdentity: 'other', leaseDurationSeconds: 15, renewTime: 't1', leaseTransitions: 3, ...spec },
})
const claim = { identity: 'me', durationSeconds: 15 }
const date = new Date('2026-01-02T03:04:05.678Z')

describe('observing a lease', () => {
  test('the time starts anew with each renewal, not with each look', () => {
    const first = observeLease(undefined, aLease(), 100)
    expect(observeLease(first, aLease(), 200).since).toBe(100)
    expect(observeLease(first, aLease({ renewTime: 't2' }), 200).since).toBe(200)
    expect(observeLease(first, aLease({ holderIdentity: 'third' }), 200).since).toBe(200)
  })

  test('it is over when its whole duration went by since then, whatever its own clock said', () => {
    const observed = observeLease(undefined, aLease({ renewTime: '1970-01-01T00:00:00.000000Z' }), 0)
    expect([isExpired(observed, 15_000), isExpired(observed, 15_001)]).toEqual([false, true])
  })

  test('one without a holder is free at once', () => {
    expect(isExpired(observeLease(undefined, aLease({ holderIdentity: '' }), 0), 0)).toBe(true)
  })
})

describe('claimLease', () => {
  const renewTime = '2026-01-02T03:04:05.678000Z'
  test.for<[name: string, lease: Lease | undefined, now: number, wanted: Lease['spec'] | undefined]>([
    ['none is there: make it', undefined, 0, { holderIdentity: 'me', leaseTransitions: 0, acquireTime: renewTime, renewTime }],
    ['another one holds it', aLease(), 15_000, undefined],
    ['another one held it', aLease(), 15_001, { holderIdentity: 'me', leaseTransitions: 4, acquireTime: renewTime, renewTime }],
    ['it was given free', aLease({ holderIdentity: '' }), 0, { holderIdentity: 'me', leaseTransitions: 4, renewTime }],
    [
      'it is ours',
      aLease({ holderIdentity: 'me', acquireTime: 'then' }),
      99_000,
      { leaseTransitions: 3, acquireTime: 'then', renewTime },
    ],
  ])('%s', ([, lease, now, wanted]) => {
    const observed = lease && observeLease(undefined, lease, 0)
    const spec = claimLease(observed, claim, { now, date })
    if (wanted) expect(spec).toMatchObject(wanted)
    else expect(spec).toBeUndefined()
  })
})

test('MicroTime has six digits', () => expect(microTime(date)).toBe('2026-01-02T03:04:05.678000Z'))

describe('liveMembers', () => {
  const lease = (holderIdentity: string, since: number) => ({ lease: aLease({ holderIdentity }), since })
  const times = { now: 20_000, leaseMs: 15_000 }
  test.for<[name: string, leases: { lease: Lease; since: number }[], renewedAt: number, wanted: string[]]>([
    ['all that renewed in time, sorted', [lease('z', 10_000), lease('a', 6000)], 19_000, ['a', 'me', 'z']],
    ['not those that did not', [lease('z', 4000)], 19_000, ['me']],
    ['nobody for one that cannot renew itself', [lease('z', 19_000)], 4000, []],
    ['its own lease counts by its own renewals', [lease('me', 0)], 19_000, ['me']],
    ['not one that left', [lease('', 19_000)], 19_000, ['me']],
  ])('%s', ([, leases, renewedAt, wanted]) => {
    expect(liveMembers(leases, { identity: 'me', renewedAt }, times)).toEqual(wanted)
  })
})
