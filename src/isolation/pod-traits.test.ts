import { describe, expect, test } from 'vitest'
import { frozen } from '../testing/frozen.ts'
import { type PodTrait, podTraits } from './pod-traits.ts'
import { againInSuper, compliantPod, compliantService } from './specimens.ts'

const pod = frozen(compliantPod({ name: 'a', namespace: 'b', image: 'c', args: [], pullAlways: true }))

describe.for(Object.entries(podTraits) as [string, PodTrait][])('%s', ([, { spoil, isIn }]) => {
  test('is not in a compliant pod', () => {
    expect(isIn(pod)).toBe(false)
  })

  test('is in a pod that was given it, and no other trait is', () => {
    const spoiled = spoil(pod)
    const found = Object.values(podTraits).filter((trait: PodTrait) => trait.isIn(spoiled) && trait.isIn !== isIn)
    expect(isIn(spoiled)).toBe(true)
    // A privileged container cannot be without escalation.
    expect(found.map(({ what }) => what)).toEqual(spoil === podTraits.privileged.spoil ? ['privilege escalation'] : [])
  })
})

test('what is not said counts as the default of Kubernetes', () => {
  const silent = { metadata: {}, spec: { containers: [{ name: 'a' }] } }
  const found = Object.entries(podTraits as Record<string, PodTrait>).filter(([, { isIn }]) => isIn(silent))
  expect(found.map(([key]) => key)).toEqual(['root', 'escalation', 'pullNever'])
})

describe('againInSuper', () => {
  test('leaves what the server wrote, and keeps the marks', () => {
    const live = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a', namespace: 'b', uid: 'u', resourceVersion: '7', labels: { l: '1' }, annotations: { a: '2' } },
      spec: {
        ...compliantService('a', 'b').spec,
        clusterIP: '10.0.0.1',
        clusterIPs: ['10.0.0.1'],
        ports: [{ port: 80, nodePort: 30_080 }],
      },
      status: {},
    }
    expect(againInSuper(live, 'twin')).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'twin', namespace: 'b', labels: { l: '1' }, annotations: { a: '2' } },
      spec: { type: 'ClusterIP', selector: { 'isolation-check': 'nobody' }, ports: [{ port: 80 }] },
    })
  })
})
