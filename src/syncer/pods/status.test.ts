import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { podToTenant } from './status.ts'
import { podStatusFields } from './status-fields.ts'

const ctx = aSyncContext()
const superNs = superNamespace(ctx.tenant, 'shop')
const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: '2026-11-21T08:00:00Z' }
const ready = { type: 'Ready', status: 'True', lastProbeTime: null, lastTransitionTime: '2026-11-21T08:00:05Z' }
const main = {
  name: 'main',
  ready: true,
  restartCount: 0,
  image: 'web:1',
  imageID: 'sha256:1',
  containerID: 'containerd://1',
  state: { running: {} },
}
const pending = { phase: 'Pending', qosClass: 'BestEffort' }

const superPod = (status: Record<string, unknown>, spec: Record<string, unknown> = {}, generation = 1): Pod =>
  aTenantPod(
    { nodeName: 'node-1', ...spec },
    { metadata: { namespace: superNs, uid: 'super-pod-uid', generation }, status },
  ) as Pod
const tenantPod = (status: Record<string, unknown> = pending, spec: Record<string, unknown> = {}, metadata = {}): Pod =>
  aTenantPod(spec, { status, metadata }) as Pod
const bound = { nodeName: 'node-1' }
const writes = (superObject: Pod, tenantObject: Pod) => podToTenant(superObject, tenantObject, ctx)
const statusOf = (superObject: Pod, tenantObject: Pod): Readonly<Record<string, unknown>> | undefined => {
  const write = writes(superObject, tenantObject).find(({ kind }) => kind === 'status')
  return write?.kind === 'status' ? write.status : undefined
}

describe('binding', () => {
  test('is all there is to write while super has said nothing else', () => {
    expect(writes(superPod({ ...pending, conditions: [scheduled] }), tenantPod())).toEqual([{ kind: 'bind', node: 'node-1' }])
  })

  test('comes before the status when there is more', () => {
    const result = writes(
      superPod({ ...pending, phase: 'Running', conditions: [scheduled, ready], podIP: '10.0.0.5' }),
      tenantPod(),
    )
    expect(result).toEqual([
      { kind: 'bind', node: 'node-1' },
      { kind: 'status', status: { phase: 'Running', podIP: '10.0.0.5', conditions: [scheduled, ready] } },
    ])
  })

  test('is done once: the time at which each side noted it does not matter', () => {
    const own = { ...pending, conditions: [{ ...scheduled, lastTransitionTime: '2026-11-21T08:00:09Z' }] }
    expect(writes(superPod({ ...pending, conditions: [scheduled] }), tenantPod(own, bound))).toEqual([])
  })

  test('takes the place of a PodScheduled=False', () => {
    const own = { ...pending, conditions: [{ ...scheduled, status: 'False', reason: 'Unschedulable' }] }
    expect(writes(superPod({ ...pending, conditions: [scheduled] }), tenantPod(own))).toEqual([{ kind: 'bind', node: 'node-1' }])
  })

  test('is not tried on a pod that is being deleted', () => {
    const result = writes(
      superPod({ ...pending, conditions: [scheduled] }),
      tenantPod(pending, {}, { deletionTimestamp: '2026-11-21T08:01:00Z' }),
    )
    expect(result.map(({ kind }) => kind)).toEqual(['status'])
  })

  test('waits for super', () => {
    const { nodeName: _nodeName, ...spec } = superPod({}).spec
    expect(writes({ ...superPod(pending), spec }, tenantPod())).toEqual([])
  })
})

describe('status', () => {
  test('an unschedulable pod says why', () => {
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/2 nodes are available' }
    const status = statusOf({ ...superPod({ ...pending, conditions: [condition] }), spec: { containers: [] } }, tenantPod())
    expect(status).toEqual({ conditions: [condition] })
  })

  test('only containers that the tenant knows are told of', () => {
    const status = {
      phase: 'Running',
      containerStatuses: [main, { ...main, name: 'mesh' }],
      initContainerStatuses: [{ ...main, name: 'mesh-init' }],
    }
    expect(statusOf(superPod(status), tenantPod(pending, bound))).toEqual({ phase: 'Running', containerStatuses: [main] })
  })

  test("super's names and UIDs read as the tenant's", () => {
    const message = `back-off 5m0s restarting failed container=main pod=web_${superNs}(super-pod-uid)`
    const waiting = { ...main, state: { waiting: { reason: 'CrashLoopBackOff', message } } }
    const status = statusOf(superPod({ message: `in ${superNs}`, containerStatuses: [waiting] }), tenantPod(pending, bound))
    expect(status?.message).toBe('in shop')
    expect(JSON.stringify(status)).toContain('pod=web_shop(tenant-pod-uid)')
    expect(JSON.stringify(status)).not.toContain(superNs)
  })

  test('fields that went in super go in the tenant', () => {
    const before = { ...pending, message: 'old', reason: 'Old', resources: { requests: { cpu: '1' }, limits: { cpu: '2' } } }
    const after = { ...pending, resources: { requests: { cpu: '1' } } }
    expect(statusOf(superPod(after), tenantPod(before, bound))).toEqual({
      message: null,
      reason: null,
      resources: { limits: null },
    })
  })

  test("the tenant's QoS class and claims stay", () => {
    const own = { ...pending, resourceClaimStatuses: [{ name: 'gpu' }] }
    expect(writes(superPod({ phase: 'Pending', qosClass: 'Burstable' }), tenantPod(own, bound))).toEqual([])
  })

  test('a readiness gate belongs to the tenant, its other conditions come from super', () => {
    const gate = { type: 'example.com/gate', status: 'True' }
    const spec = { ...bound, readinessGates: [{ conditionType: 'example.com/gate' }, { conditionType: 'Ready' }] }
    const own = { ...pending, conditions: [gate, { ...ready, status: 'False' }] }
    const status = statusOf(superPod({ ...pending, conditions: [ready, { ...gate, status: 'False' }] }), tenantPod(own, spec))
    expect(status).toEqual({ conditions: [ready, gate] })
  })

  test('a condition that somebody else in the tenant set stays, one of a kubelet goes', () => {
    const target = { type: 'DisruptionTarget', status: 'True' }
    const own = { ...pending, conditions: [target, { type: 'PodResizePending', status: 'True' }, ready] }
    expect(statusOf(superPod({ ...pending, conditions: [ready] }), tenantPod(own, bound))).toEqual({
      conditions: [ready, target],
    })
  })

  test('the order of conditions is no difference', () => {
    const own = { ...pending, conditions: [ready, scheduled] }
    expect(writes(superPod({ ...pending, conditions: [scheduled, ready] }), tenantPod(own, bound))).toEqual([])
  })

  test("an observed generation is told in the tenant's count", () => {
    const tenantObject = tenantPod({ ...pending, observedGeneration: 6 }, bound, { generation: 7 })
    const observed = (observedGeneration: number) => superPod({ ...pending, observedGeneration }, {}, 3)
    expect(statusOf(observed(3), tenantObject)).toEqual({ observedGeneration: 7 })
    expect(statusOf(observed(2), tenantObject)).toBeUndefined()
  })

  test('a nomination is for pods without a node', () => {
    expect(statusOf(superPod({ ...pending, nominatedNodeName: 'node-2' }), tenantPod(pending, bound))).toBeUndefined()
    const unbound = { ...superPod({ ...pending, nominatedNodeName: 'node-2' }), spec: { containers: [] } }
    expect(statusOf(unbound, tenantPod())).toEqual({ nominatedNodeName: 'node-2' })
  })

  test('a field that nobody has classified stays down', () => {
    expect(Object.hasOwn(podStatusFields.fields, 'aura')).toBe(false)
    expect(writes(superPod({ ...pending, aura: 'bright' }), tenantPod(pending, bound))).toEqual([])
  })
})

/** What the tenant's API server makes of a merge patch (RFC 7386). */
const applied = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const result: Record<string, unknown> = { ...(typeof target === 'object' && !Array.isArray(target) ? target : {}) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = applied(result[key], value)
  }
  return result
}

test('the second look finds nothing to write', () => {
  const superObject = superPod({
    phase: 'Running',
    qosClass: 'Burstable',
    observedGeneration: 1,
    conditions: [{ ...scheduled, observedGeneration: 1 }, ready],
    podIP: '10.0.0.5',
    podIPs: [{ ip: '10.0.0.5' }],
    containerStatuses: [main, { ...main, name: 'mesh' }],
    message: superNs,
  })
  const tenantObject = tenantPod({ ...pending, reason: 'Old', conditions: [{ type: 'x/y', status: 'True' }] })
  const patched: KubeObject = {
    ...tenantObject,
    spec: { ...tenantObject.spec, ...bound },
    status: applied(tenantObject.status, statusOf(superObject, tenantObject)),
  }
  expect(writes(superObject, patched as Pod)).toEqual([])
})
