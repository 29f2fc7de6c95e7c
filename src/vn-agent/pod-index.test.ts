import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation, tenantObjectUidAnnotation } from '../tenancy/marks.ts'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import { createPodIndex } from './pod-index.ts'
import { tenantPodOf } from './tenant-pods.ts'

const tenant = { uid: '11111111-2222-3333-4444-555555555555', name: 'acme' }
const home = superNamespace(tenant, 'shop')
const { signal } = new AbortController()

const superPod = (name: string, change: Partial<KubeObject['metadata']> = {}, nodeName = 'n1'): KubeObject => ({
  metadata: {
    name,
    namespace: home,
    uid: `super-${name}`,
    labels: { [tenantLabel]: tenant.uid },
    annotations: {
      [tenantNamespaceAnnotation]: 'shop',
      [tenantNameAnnotation]: name,
      [tenantObjectUidAnnotation]: `uid-${name}`,
    },
    ...change,
  },
  spec: { nodeName },
})

const indexOf = (pods: () => KubeObject[] | Error) => {
  const time = { now: 0 }
  const asked: string[] = []
  const as = (user: string) => ({
    list: async (_type: unknown, options: { namespace?: string; fieldSelector?: string }) => {
      asked.push(`${user} ${options.namespace} ${options.fieldSelector}`)
      const items = pods()
      if (items instanceof Error) throw items
      return { metadata: {}, items }
    },
  })
  const index = createPodIndex({ superClient: { as } as unknown as KubeClient, nodeName: 'n1', now: () => time.now })
  const names = async (seen?: readonly string[]): Promise<string[]> => {
    const found = await index.podsIn(tenant, home, { signal, ...(seen && { seen: new Set(seen) }) })
    return [...found.keys()]
  }
  return { time, asked, names }
}

describe('what is remembered of pods', () => {
  test('is asked for as the tenant, for this node', async () => {
    const { asked, names } = indexOf(() => [superPod('a')])
    expect(await names()).toEqual(['a'])
    expect(asked).toEqual([`${tenantIdentity(tenant.uid)} ${home} spec.nodeName=n1`])
  })

  test('serves a minute while it knows every name, and five seconds when it does not', async () => {
    const pods = [superPod('a')]
    const { time, asked, names } = indexOf(() => [...pods])
    await names(['a'])
    pods.push(superPod('b'))
    time.now = 4_000
    expect(await names(['a', 'b'])).toEqual(['a'])
    time.now = 6_000
    expect(await names(['a'])).toEqual(['a'])
    expect(asked).toHaveLength(1)
    expect(await names(['a', 'b'])).toEqual(['a', 'b'])
    time.now = 67_000
    await names(['a'])
    expect(asked).toHaveLength(3)
  })

  test('is nothing where the tenant may not look', async () => {
    expect(await indexOf(() => new AppError('KUBE_FORBIDDEN', 'no')).names()).toEqual([])
  })

  test('is not what failed', async () => {
    let fails = true
    const { names } = indexOf(() => (fails ? new AppError('KUBE_UNREACHABLE', 'no') : [superPod('a')]))
    await expect(names()).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
    fails = false
    expect(await names()).toEqual(['a'])
  })
})

describe('what is no pod of the tenant here', () => {
  test.for<[name: string, pod: KubeObject]>([
    ['one of another tenant', superPod('a', { labels: { [tenantLabel]: 'other' } })],
    ['one that nobody marked', superPod('a', { labels: {}, annotations: {} })],
    ['one under another name', superPod('a', { name: 'planted' })],
    ['one in a namespace that is not the mark’s', superPod('a', { namespace: 'kube-system' })],
    ['one of another node', superPod('a', {}, 'n2')],
    ['one without a UID', superPod('a', { uid: '' })],
  ])('%s', async ([, pod]) => {
    expect(await indexOf(() => [pod]).names()).toEqual([])
  })
})

test('a status says nothing of super', () => {
  const pod = superPod('a')
  const status = { conditions: [{ message: `pod a_${home}(super-a) waits` }] }
  const shown = tenantPodOf({
    superPod: { ...pod, status },
    superNamespace: home,
    superUid: 'super-a',
    namespace: 'shop',
    name: 'a',
    uid: 'uid-a',
  })
  expect(shown.status).toEqual({ conditions: [{ message: 'pod a_shop(uid-a) waits' }] })
})
