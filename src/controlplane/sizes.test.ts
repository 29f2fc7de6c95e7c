import { describe, expect, test } from 'vitest'
import type { ClassSizes } from '../apis/tenant-class.ts'
import { planeSizeOf, resourcesOf } from './sizes.ts'

describe('planeSizeOf', () => {
  test.for<[name: string, said: ClassSizes | undefined, etcd: object, coreDnsReplicas: number]>([
    ['nothing said', undefined, { cpu: '25m', memory: '64Mi', memoryLimit: '512Mi' }, 1],
    ['another size said', { large: { etcd: { requests: { cpu: '9' } } } }, { cpu: '25m' }, 1],
    [
      'a request',
      { small: { etcd: { requests: { memory: '100Mi' } } } },
      { cpu: '25m', memory: '100Mi', memoryLimit: '512Mi' },
      1,
    ],
    ['a limit', { small: { etcd: { limits: { memory: '1Gi' } } } }, { memory: '64Mi', memoryLimit: '1Gi' }, 1],
    ['replicas of the DNS', { small: { coreDNSReplicas: 3 } }, { memory: '64Mi' }, 3],
  ])('%s', ([, said, etcd, coreDnsReplicas]) => {
    expect(planeSizeOf('small', said)).toMatchObject({ etcd, coreDnsReplicas })
  })

  test('CPU is limited where the class says so, and no request is more', () => {
    const { etcd, kubeApiServer } = planeSizeOf('small', { small: { kubeApiServer: { limits: { cpu: '300m' } } } })
    expect(resourcesOf(etcd).limits).toEqual({ memory: '512Mi' })
    expect(resourcesOf(kubeApiServer)).toEqual({
      requests: { cpu: '50m', memory: '256Mi' },
      limits: { cpu: '300m', memory: '1Gi' },
    })
    expect(resourcesOf(kubeApiServer, { cpu: '2' }).requests.cpu).toBe('300m')
  })

  test('a request that is more than the limit raises it', () => {
    const { etcd } = planeSizeOf('small', { small: { etcd: { requests: { memory: '1Gi' } } } })
    expect(resourcesOf(etcd).limits).toEqual({ memory: '1Gi' })
  })
})
