import { describe, expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { apiServerEnv, superContainer } from './env.ts'
import type { Pod } from './pod.ts'

const inSuper = (container: Record<string, unknown>) => {
  const pod = aTenantPod({ containers: [{ name: 'main', ...container }] }) as Pod
  return superContainer(pod.spec.containers[0] ?? { name: '' }, pod, aSyncContext())
}

describe('apiServerEnv', () => {
  test('says all that a kubelet says of a cluster', () => {
    expect(apiServerEnv('10.96.4.1').map(({ name, value }) => `${name}=${value}`)).toEqual([
      'KUBERNETES_SERVICE_HOST=10.96.4.1',
      'KUBERNETES_SERVICE_PORT=443',
      'KUBERNETES_SERVICE_PORT_HTTPS=443',
      'KUBERNETES_PORT=tcp://10.96.4.1:443',
      'KUBERNETES_PORT_443_TCP=tcp://10.96.4.1:443',
      'KUBERNETES_PORT_443_TCP_PROTO=tcp',
      'KUBERNETES_PORT_443_TCP_PORT=443',
      'KUBERNETES_PORT_443_TCP_ADDR=10.96.4.1',
    ])
  })

  test('brackets an IPv6 address in URLs only', () => {
    const env = new Map(apiServerEnv('fd00:4::1').map(({ name, value }) => [name, value]))
    expect(env.get('KUBERNETES_PORT')).toBe('tcp://[fd00:4::1]:443')
    expect(env.get('KUBERNETES_SERVICE_HOST')).toBe('fd00:4::1')
  })
})

describe('superContainer', () => {
  test("comes before the user's variables, of which the later one wins", () => {
    const { env = [] } = inSuper({ env: [{ name: 'KUBERNETES_SERVICE_HOST', value: 'api.example' }] })
    expect(env).toHaveLength(9)
    expect(env[0]).toEqual({ name: 'KUBERNETES_SERVICE_HOST', value: '10.96.4.1' })
    expect(env[8]).toEqual({ name: 'KUBERNETES_SERVICE_HOST', value: 'api.example' })
  })

  test.for<[name: string, valueFrom: unknown, wanted: unknown]>([
    [
      'a ConfigMap key keeps its name',
      { configMapKeyRef: { name: 'settings', key: 'a', optional: true } },
      { configMapKeyRef: { name: 'settings', key: 'a', optional: true } },
    ],
    [
      "the root CA is found under the tenant's copy",
      { configMapKeyRef: { name: 'kube-root-ca.crt', key: 'ca.crt' } },
      { configMapKeyRef: { name: 'kube-root-ca.crt.berth', key: 'ca.crt' } },
    ],
    [
      'a reserved Secret name',
      { secretKeyRef: { name: 'x.berth', key: 'k' } },
      { secretKeyRef: { name: 'x.berth.berth', key: 'k' } },
    ],
    ['a resource field', { resourceFieldRef: { resource: 'limits.cpu' } }, { resourceFieldRef: { resource: 'limits.cpu' } }],
    [
      'the namespace',
      { fieldRef: { fieldPath: 'metadata.namespace' } },
      { fieldRef: { fieldPath: "metadata.annotations['berth.dev/namespace']" } },
    ],
  ])('%s', ([, valueFrom, wanted]) => {
    expect(inSuper({ env: [{ name: 'V', valueFrom }] }).env?.at(-1)).toEqual({ name: 'V', valueFrom: wanted })
  })

  test('envFrom names go by super names, prefixes stay', () => {
    const envFrom = [
      { prefix: 'P_', configMapRef: { name: 'kube-root-ca.crt' } },
      { secretRef: { name: 'login', optional: true } },
    ]
    expect(inSuper({ envFrom }).envFrom).toEqual([
      { prefix: 'P_', configMapRef: { name: 'kube-root-ca.crt.berth' } },
      { secretRef: { name: 'login', optional: true } },
    ])
  })
})
