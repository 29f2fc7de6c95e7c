import { describe, expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { superSpec } from './super-spec.ts'

const ctx = aSyncContext({ classes: { allows: () => false } })
const specOf = (spec: Record<string, unknown>, wanted = {}) => superSpec(aTenantPod(spec, wanted) as Pod, ctx)

describe('superSpec', () => {
  test.for<[name: string, spec: Record<string, unknown>, wanted: Record<string, unknown>]>([
    [
      'the account of all workloads',
      { serviceAccountName: 'builder', serviceAccount: 'builder' },
      { serviceAccountName: 'berth-workload' },
    ],
    ["no token of super's", { automountServiceAccountToken: true }, { automountServiceAccountToken: false }],
    ['host name as it is', { hostname: 'db-0', subdomain: 'db' }, { hostname: 'db-0', subdomain: undefined }],
    ['no node by name', { nodeName: 'node-1' }, { nodeName: undefined }],
    [
      'no priority',
      { priority: 1000, priorityClassName: 'system-node-critical', preemptionPolicy: 'Never' },
      { priority: undefined, priorityClassName: undefined, preemptionPolicy: undefined },
    ],
    ['no overhead', { overhead: { cpu: '1' } }, { overhead: undefined }],
    ['no debug containers at the start', { ephemeralContainers: [{ name: 'debug' }] }, { ephemeralContainers: undefined }],
    ['pull secrets', { imagePullSecrets: [{ name: 'x.berth' }] }, { imagePullSecrets: [{ name: 'x.berth.berth' }] }],
    ['node selector', { nodeSelector: { zone: 'a' } }, { nodeSelector: { zone: 'a' } }],
    ['service links', { enableServiceLinks: false }, { enableServiceLinks: false }],
    ['gates', { schedulingGates: [{ name: 'g' }] }, { schedulingGates: [{ name: 'g' }] }],
    ['readiness gates', { readinessGates: [{ conditionType: 'x/y' }] }, { readinessGates: [{ conditionType: 'x/y' }] }],
    [
      'host aliases',
      { hostAliases: [{ ip: '1.2.3.4', hostnames: ['a'] }] },
      { hostAliases: [{ ip: '1.2.3.4', hostnames: ['a'] }] },
    ],
    [
      'the FQDN as host name',
      { setHostnameAsFQDN: true, subdomain: 'db' },
      { hostnameOverride: 'web.db.shop.svc.cluster.local', setHostnameAsFQDN: undefined, subdomain: undefined },
    ],
    ['no FQDN without a subdomain', { setHostnameAsFQDN: true }, { hostnameOverride: undefined, setHostnameAsFQDN: undefined }],
    ['a host name of its own choice', { hostnameOverride: 'a.b' }, { hostnameOverride: 'a.b' }],
  ])('%s', ([, spec, wanted]) => {
    const result = specOf(spec)
    expect(Object.fromEntries(Object.keys(wanted).map((field) => [field, result[field]]))).toEqual(wanted)
  })

  test('init containers get the environment as well', () => {
    const { initContainers } = specOf({ initContainers: [{ name: 'init' }] }) as Pod['spec']
    expect(initContainers?.[0]?.env?.[0]).toEqual({ name: 'KUBERNETES_SERVICE_HOST', value: '10.96.4.1' })
  })

  test('stays the same over the binding, so that nothing is written again', () => {
    const status = { conditions: [{ type: 'PodScheduled', status: 'True' }] }
    expect(specOf({ nodeName: 'node-1' }, { status })).toEqual(specOf({}))
  })
})
