import { describe, expect, test } from 'vitest'
import { superNamespace } from '../../tenancy/names.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { apiServerEnv } from './env.ts'
import type { Pod } from './pod.ts'
import { podSuperWrites } from './super-writes.ts'

const ctx = aSyncContext()
const superPod = (spec: Record<string, unknown> = {}, status?: unknown, metadata = {}): Pod =>
  aTenantPod(spec, { metadata: { namespace: superNamespace(ctx.tenant, 'shop'), ...metadata }, status }) as Pod
const tenantPod = (spec: Record<string, unknown> = {}, status?: unknown): Pod => aTenantPod(spec, { status }) as Pod
const writes = (superObject: Pod, tenantObject: Pod) => podSuperWrites(superObject, tenantObject, ctx)
const env = [...apiServerEnv(ctx.apiServerAddress)]

describe('debug containers', () => {
  const debug = { name: 'debug', image: 'busybox', targetContainerName: 'main' }

  test('go down, with the environment of any container', () => {
    expect(writes(superPod(), tenantPod({ ephemeralContainers: [debug] }))).toEqual([
      { subresource: 'ephemeralcontainers', patch: { spec: { ephemeralContainers: [{ ...debug, env }] } } },
    ])
  })

  test('go down without fields that nobody has thought about', () => {
    expect(writes(superPod(), tenantPod({ ephemeralContainers: [{ ...debug, securityContext: { warp: 9 }, warp: 9 }] }))).toEqual(
      [
        {
          subresource: 'ephemeralcontainers',
          patch: { spec: { ephemeralContainers: [{ ...debug, securityContext: {}, env }] } },
        },
      ],
    )
  })

  test('go down without fields that are refused to containers', () => {
    const resources = { limits: { cpu: '1' }, claims: [{ name: 'gpu' }] }
    expect(writes(superPod(), tenantPod({ ephemeralContainers: [{ ...debug, resources }] }))).toEqual([
      {
        subresource: 'ephemeralcontainers',
        patch: { spec: { ephemeralContainers: [{ ...debug, resources: { limits: { cpu: '1' } }, env }] } },
      },
    ])
  })

  test('go down once', () => {
    const second = { name: 'debug-2', image: 'busybox' }
    const [write] = writes(superPod({ ephemeralContainers: [debug] }), tenantPod({ ephemeralContainers: [debug, second] }))
    expect(write?.patch).toEqual({ spec: { ephemeralContainers: [{ ...second, env }] } })
    expect(writes(superPod({ ephemeralContainers: [debug] }), tenantPod({ ephemeralContainers: [debug] }))).toEqual([])
  })
})

describe('readiness gates', () => {
  const readinessGates = [{ conditionType: 'example.com/gate' }, { conditionType: 'Ready' }]
  const gate = { type: 'example.com/gate', status: 'True', reason: 'Attached', lastTransitionTime: '2026-11-21T08:00:00Z' }
  const kubelets = { type: 'Ready', status: 'True' }

  test("go down, but never a kubelet's own conditions", () => {
    expect(
      writes(superPod(), tenantPod({ readinessGates }, { conditions: [{ ...gate, observedGeneration: 7 }, kubelets] })),
    ).toEqual([{ subresource: 'status', patch: { status: { conditions: [gate] } } }])
  })

  test('are written when they differ', () => {
    const own = tenantPod({ readinessGates }, { conditions: [gate] })
    expect(writes(superPod({}, { conditions: [{ ...gate, lastTransitionTime: '2026-11-21T08:00:01Z' }] }), own)).toEqual([])
    expect(writes(superPod({}, { conditions: [{ ...gate, status: 'False' }] }), own)).toHaveLength(1)
  })

  test('that nobody asked for stay', () => {
    expect(writes(superPod(), tenantPod({}, { conditions: [gate] }))).toEqual([])
  })
})

describe('sizes', () => {
  const sized = (cpu: string, more = {}) => ({ containers: [{ name: 'main', resources: { requests: { cpu, ...more } } }] })

  test('go down where they differ', () => {
    expect(writes(superPod(sized('1')), tenantPod(sized('2')))).toEqual([
      { subresource: 'resize', patch: { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '2' } } }] } } },
    ])
  })

  test("keep what super's admission added", () => {
    expect(writes(superPod(sized('1', { memory: '64Mi' })), tenantPod(sized('1')))).toEqual([])
    expect(writes(superPod(sized('1')), tenantPod())).toEqual([])
  })

  test('of init containers only those of sidecars', () => {
    const init = (cpu: string, restartPolicy?: string) => ({
      initContainers: [{ name: 'init', restartPolicy, resources: { limits: { cpu } } }],
    })
    expect(writes(superPod(init('1')), tenantPod(init('2')))).toEqual([])
    expect(writes(superPod(init('1')), tenantPod(init('2', 'Always')))).toEqual([
      { subresource: 'resize', patch: { spec: { initContainers: [{ name: 'init', resources: { limits: { cpu: '2' } } }] } } },
    ])
  })
})

test('nothing goes down to a pod that has ended or is ending', () => {
  const asking = tenantPod({ ephemeralContainers: [{ name: 'debug', image: 'busybox' }] })
  expect(writes(superPod({}, { phase: 'Succeeded' }), asking)).toEqual([])
  expect(writes(superPod({}, {}, { deletionTimestamp: '2026-11-21T08:00:00Z' }), asking)).toEqual([])
})
