import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { hasCode } from '../../lib/errors.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { aNamespace } from '../../testing/builders.ts'
import { podSecurityFaults } from '../../testing/pod-security.ts'
import { podSecurityCases } from '../../testing/pod-security-cases.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { pods } from '../resources/pods.ts'
import type { Pod } from './pod.ts'
import { podRefusal } from './refusal.ts'
import { superSpec } from './super-spec.ts'

const levels = ['baseline', 'restricted'] as const
let api: TestApiServer

beforeAll(async () => {
  api = await startApiServer()
  for (const level of levels) {
    const labels = { 'pod-security.kubernetes.io/enforce': level, 'pod-security.kubernetes.io/enforce-version': 'latest' }
    await api.client.create(resourceTypes.namespaces, aNamespace({ metadata: { name: level, labels } }))
  }
}, 120_000)

afterAll(async () => {
  await api?.stop()
}, 60_000)

/** What super says against a pod: what it violates, or that there is no such pod (a hardened privileged one is a contradiction); nothing when it is taken. */
const violation = async (pod: KubeObject): Promise<string | undefined> => {
  try {
    await api.client.create(resourceTypes.pods, pod)
    return undefined
  } catch (error) {
    if (!hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_INVALID') || !(error instanceof Error)) throw error
    if (hasCode(error, 'KUBE_FORBIDDEN')) expect(error.message).toContain('violates PodSecurity')
    return error.message
  }
}

describe.for([...levels])('super at level %s', (level) => {
  const ctx = aSyncContext({ isolation: { profile: level } })

  test.for(podSecurityCases.map((each, index) => [each[level], each.name, each.spec, index] as const))(
    '%s: %s',
    async ([verdict, , spec, index]) => {
      const tenantPod = aTenantPod(spec) as Pod
      const metadata = { name: `pod-${index}`, namespace: level }
      const superPod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: superSpec(tenantPod, ctx) }
      // The evaluator of the property tests has to say what the real one says.
      const faults = podSecurityFaults(superPod, level)
      const said = await violation(superPod)
      expect({ ours: podRefusal(tenantPod, ctx) !== undefined, faults: faults.length > 0, super: said !== undefined }).toEqual({
        ours: verdict !== 'runs',
        faults: verdict === 'refused',
        super: verdict === 'refused',
      })
    },
  )
})

test('without what Berth brings, super at restricted takes no ordinary pod', async () => {
  const { spec } = aTenantPod()
  const plain = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'plain', namespace: 'restricted' }, spec }
  expect(await violation(plain)).toMatch(
    /allowPrivilegeEscalation != false.*unrestricted capabilities.*runAsNonRoot != true.*seccompProfile/,
  )
})

test('a debug container is taken with less, at restricted', async () => {
  const ctx = aSyncContext({ isolation: { profile: 'restricted' } })

  const ref = { name: 'debugged', namespace: 'restricted' }
  const debug = { name: 'debug', image: 'busybox', securityContext: { privileged: true, capabilities: { add: ['SYS_PTRACE'] } } }
  const tenantPod = aTenantPod({ ephemeralContainers: [debug] }) as Pod
  const live = await api.client.create(resourceTypes.pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: ref,
    spec: superSpec(tenantPod, ctx),
  })
  const [write] = pods.superWrites?.(live, tenantPod, ctx) ?? []
  if (!write) throw new Error('nothing to write')
  expect(write.note?.message).toContain('privileged: true')
  const options = { type: 'strategic', subresource: write.subresource } as const
  const after = await api.client.patch(resourceTypes.pods, ref, write.patch, options)
  expect(after.spec.ephemeralContainers[0].securityContext).toEqual({
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  })
})
