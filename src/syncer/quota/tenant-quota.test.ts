import { expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { AppError } from '../../lib/errors.ts'
import { createTenantQuota } from './tenant-quota.ts'

const since = '2026-01-01T00:00:00Z'
const service = (name: string): KubeObject => ({ metadata: { name, namespace: 'x' }, spec: {} })
const place = (name: string) => ({ kind: 'services', namespace: 'x', name })

const aQuota = (hard: Record<string, string> = { services: '1' }) => {
  const there = new Map<string, KubeObject>()
  const woken: string[] = []
  const clock = { now: 0 }
  const quota = createTenantQuota({
    hard,
    look: ({ name }) => there.get(name),
    overheadOf: (name) => (name === 'heavy' ? { cpu: '1' } : undefined),
    enqueue: (key) => void woken.push(key),
    now: () => clock.now,
  })
  if (!quota) throw new Error('no quota')
  quota.fill([])
  const make = (name: string, write: () => void = () => void there.set(name, service(name))) =>
    quota.during(place(name), `services/shop/${name}`, async () => {
      const short = quota.take('services', service(name), { since })
      if (!short) write()
      return short === undefined
    })
  return { quota, make, there, woken, clock }
}

test('without limits there is nothing to count', () => {
  const options = { look: () => undefined, overheadOf: () => undefined, enqueue: () => {}, now: () => 0 }
  expect(createTenantQuota({ hard: {}, ...options })).toBeUndefined()
})

test('who found no room is told when the place is free', async () => {
  const { quota, make, there, woken } = aQuota()
  expect(await make('a')).toBe(true)
  expect(await make('b')).toBe(false)
  expect(quota.isWaiting(place('b'))).toBe(true)
  there.clear()
  quota.observe('services', service('a'), true)
  await new Promise((resolve) => setImmediate(resolve))
  expect(woken).toEqual(['services/shop/b'])
  expect(await make('c')).toBe(false)
  expect(await make('b')).toBe(true)
})

test('nobody comes in before who has waited longer, though his key is looked at in that very moment', async () => {
  const { quota, make, there, woken } = aQuota()
  await make('a')
  await make('old')
  let newcomer: boolean | undefined
  await quota.during(place('old'), 'services/shop/old', async () => {
    there.clear()
    quota.observe('services', service('a'), true)
    newcomer = await make('young')
  })
  expect(newcomer).toBe(false)
  expect(woken).toEqual(['services/shop/old'])
  expect(await make('old')).toBe(true)
})

test('who does not want any more leaves the line', async () => {
  const { quota, make, there, woken } = aQuota()
  await make('a')
  await make('old')
  await quota.during(place('old'), 'services/shop/old', async () => {})
  expect(quota.isWaiting(place('old'))).toBe(false)
  there.clear()
  quota.observe('services', service('a'), true)
  await new Promise((resolve) => setImmediate(resolve))
  expect(woken).toEqual([])
})

const refused = (code: 'KUBE_INVALID' | 'KUBE_TIMEOUT') => () => {
  throw new AppError(code, 'no', {})
}

test('what super refused is given back at once, what nobody heard of after a time', async () => {
  const { make, quota, clock } = aQuota()
  await expect(make('a', refused('KUBE_INVALID'))).rejects.toThrow('no')
  expect(quota.used().get('services')).toBe(0n)
  await expect(make('a', refused('KUBE_TIMEOUT'))).rejects.toThrow('no')
  expect(await make('b')).toBe(false)
  // Its key comes by, and does not write: still nobody knows.
  await quota.during(place('a'), 'services/shop/a', async () => {})
  expect(await make('b')).toBe(false)
  clock.now = 90_000
  quota.settle()
  expect(await make('b')).toBe(true)
})

test('a place is kept for what is made anew', async () => {
  const { make, quota, there } = aQuota()
  await make('a')
  await quota.during(place('a'), 'services/shop/a', async () => {
    quota.take('services', service('a'), { since })
    there.clear()
    quota.keepRoom('services', service('a'))
  })
  expect(await make('b')).toBe(false)
  expect(await make('a')).toBe(true)
})

test('a pod of a runtime class is as large as super makes it', async () => {
  const { quota } = aQuota({ cpu: '1500m' })
  const pod = {
    metadata: { name: 'p', namespace: 'x' },
    spec: { runtimeClassName: 'heavy', containers: [{ name: 'a', resources: { requests: { cpu: '600m' } } }] },
  }
  const short = await quota.during({ kind: 'pods', namespace: 'x', name: 'p' }, 'pods/shop/p', async () =>
    quota.take('pods', pod, { since }),
  )
  expect(short?.asked).toBe(1_600_000_000n)
})

test('a pod that cannot end gives its room back when its time is over', () => {
  const { quota, there, clock } = aQuota({ pods: '1' })
  const pod: KubeObject = {
    metadata: { name: 'p', namespace: 'x', deletionTimestamp: new Date(1_000).toISOString(), deletionGracePeriodSeconds: 30 },
    spec: { containers: [] },
  }
  there.set('p', pod)
  quota.observe('pods', pod, false)
  expect(quota.used().get('pods')).toBe(1_000_000_000n)
  clock.now = 31_001
  quota.settle()
  expect(quota.used().get('pods')).toBe(0n)
})
