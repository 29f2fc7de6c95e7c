import { describe, expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { pods } from './pods.ts'

const ctx = aSyncContext()
const bodyOf = (spec: Record<string, unknown>, wanted = {}) => {
  const translation = pods.toSuper(aTenantPod(spec, wanted), ctx)
  if (translation.kind !== 'object') throw new Error(translation.kind)
  return translation.body
}

describe('pods.toSuper', () => {
  test('goes down with its labels, and without its annotations', () => {
    const body = bodyOf({}, { metadata: { labels: { app: 'web' }, annotations: { note: 'x' } } })
    expect(body.labels).toEqual({ app: 'web' })
    expect(body.annotations).toEqual({})
    expect(Object.keys(body.fields)).toEqual(['spec'])
  })

  test("leaves Berth's keys, and those that super's own binding sets", () => {
    const labels = {
      app: 'web',
      'berth.dev/tenant': 'other',
      'topology.kubernetes.io/zone': 'a',
      'topology.kubernetes.io/region': 'b',
    }
    expect(bodyOf({}, { metadata: { labels } }).labels).toEqual({ app: 'web' })
  })

  test('has marks only for a pod that reads them', () => {
    expect(bodyOf({}).marks).toBeUndefined()
    const volumes = [{ name: 'info', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } }]
    expect(bodyOf({ volumes }, { metadata: { labels: { app: 'web' } } }).marks).toEqual({ 'berth.dev/labels': 'app="web"' })
  })

  test("tells super's autoscaler what it cannot see: that a controller of the tenant's would make the pod anew", () => {
    const owned = (kind: string, annotations = {}) =>
      bodyOf(
        {},
        { metadata: { annotations, ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'x', uid: 'u', controller: true }] } },
      ).marks
    const safe = 'cluster-autoscaler.kubernetes.io/safe-to-evict'
    expect(owned('ReplicaSet')).toEqual({ [safe]: 'true' })
    expect(owned('DaemonSet')).toEqual({ [safe]: 'true', 'cluster-autoscaler.kubernetes.io/daemonset-pod': 'true' })
    expect(owned('ReplicaSet', { [safe]: 'false' })).toBeUndefined()
  })

  test('names the reason of a refusal', () => {
    expect(pods.toSuper(aTenantPod({ hostNetwork: true }), ctx)).toMatchObject({
      kind: 'refused',
      reason: 'PodSecurityViolation',
    })
  })
})

test('of a super pod only what the rules read is kept', () => {
  const kept = pods.keepSuper?.(
    aTenantPod(
      {
        nodeName: 'node-1',
        containers: [
          { name: 'main', image: 'web:1', env: [{ name: 'A', value: 'x'.repeat(100) }], resources: { limits: { cpu: '1' } } },
        ],
        ephemeralContainers: [{ name: 'debug', image: 'busybox' }],
        tolerations: [],
      },
      { metadata: { annotations: { note: 'x', 'berth.dev/uid': 'u' } }, status: { phase: 'Running' } },
    ),
  )
  expect(kept?.spec).toEqual({
    nodeName: 'node-1',
    containers: [{ name: 'main', resources: { limits: { cpu: '1' } } }],
    ephemeralContainers: [{ name: 'debug' }],
  })
  expect(kept?.metadata.annotations).toEqual({ 'berth.dev/uid': 'u' })
  expect(kept?.status).toEqual({ phase: 'Running' })
})
