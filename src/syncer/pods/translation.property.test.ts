import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { isBerthKey } from '../../tenancy/marks.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import { pods } from '../resources/pods.ts'
import { wantedObject } from '../super-object.ts'
import { allContainers, type Pod } from './pod.ts'

const ctx = aSyncContext({ isolation: { profile: 'privileged' }, policy: { inlineCSIDrivers: ['d'] } })
const superNs = superNamespace(ctx.tenant, 'shop')
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

const configName = fc.constantFrom('settings', 'kube-root-ca.crt', 'a.berth', 'kube-root-ca.crt.berth', 'web.abc.token.berth')
const labelKey = fc.constantFrom('app', 'team', 'berth.dev/tenant', 'x.berth.dev/y', 'topology.kubernetes.io/zone', 'constructor')
const labelMap = fc.dictionary(labelKey, fc.constantFrom('a', 'b'), { maxKeys: 4 })
const fieldPath = fc.constantFrom(
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'metadata.labels',
  'metadata.annotations',
  "metadata.labels['app']",
  "metadata.labels['constructor']",
  "metadata.annotations['berth.dev/wanted-hash']",
  'spec.serviceAccountName',
  'status.podIP',
)
const envVar = fc.oneof(
  fc.record({ name: fc.constantFrom('A', 'KUBERNETES_PORT'), value: fc.string({ maxLength: 5 }) }),
  fieldPath.map((path) => ({ name: 'F', valueFrom: { fieldRef: { fieldPath: path } } })),
  configName.map((name) => ({ name: 'C', valueFrom: { configMapKeyRef: { name, key: 'k' } } })),
  configName.map((name) => ({ name: 'S', valueFrom: { secretKeyRef: { name, key: 'k' } } })),
)
const container = (name: string) =>
  fc.record(
    { name: fc.constant(name), image: fc.constant('i:1'), env: fc.array(envVar, { maxLength: 3 }) },
    { requiredKeys: ['name'] },
  )
const projection = fc.oneof(
  fc.record({ serviceAccountToken: fc.record({ path: fc.constant('token') }) }),
  configName.map((name) => ({ configMap: { name } })),
  configName.map((name) => ({ secret: { name } })),
  fieldPath.map((path) => ({ downwardAPI: { items: [{ path: 'f', fieldRef: { fieldPath: path } }] } })),
)
const volume = fc.oneof(
  fc.constant({ emptyDir: {} }),
  configName.map((name) => ({ configMap: { name } })),
  configName.map((secretName) => ({ secret: { secretName } })),
  fc.array(projection, { maxLength: 4 }).map((sources) => ({ projected: { sources, defaultMode: 0o644 } })),
  fc.constant({ ephemeral: { volumeClaimTemplate: {} } }),
  configName.map((name) => ({ csi: { driver: 'd', nodePublishSecretRef: { name } } })),
)
const selector = fc.record({
  matchLabels: labelMap,
  matchExpressions: fc.array(
    fc.record({ key: labelKey, operator: fc.constantFrom('NotIn', 'DoesNotExist', 'In'), values: fc.constant(['a']) }),
    { maxLength: 2 },
  ),
})
const term = fc.record(
  {
    topologyKey: fc.constant('zone'),
    labelSelector: selector,
    namespaceSelector: selector,
    namespaces: fc.constant(['shop', 'other']),
    matchLabelKeys: fc.constant(['app']),
  },
  { requiredKeys: ['topologyKey'] },
)
const spec = fc.record({
  containers: fc.tuple(container('main')),
  initContainers: maybe(fc.tuple(container('init'))),
  volumes: maybe(
    fc.array(volume, { maxLength: 4 }).map((volumes) => volumes.map((source, index) => ({ name: `v${index}`, ...source }))),
  ),
  affinity: maybe(
    fc.array(term, { maxLength: 2 }).map((terms) => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } })),
  ),
  nodeName: maybe(fc.constant('node-1')),
  subdomain: maybe(fc.constant('db')),
  serviceAccountName: maybe(fc.constant('builder')),
  priority: maybe(fc.constant(7)),
  dnsPolicy: maybe(fc.constantFrom('ClusterFirst', 'Default', 'ClusterFirstWithHostNet')),
})
const pod = fc
  .record({ spec, labels: labelMap, annotations: labelMap })
  .map(
    ({ spec: fields, labels, annotations }) =>
      JSON.parse(JSON.stringify(aTenantPod(fields, { metadata: { labels, annotations } }))) as KubeObject,
  )
  .map(frozen)

const wantedPod = (tenantPod: KubeObject): Pod => {
  const wanted = wantedObject(pods, tenantPod, ctx)
  if (wanted.kind !== 'object') throw new Error(JSON.stringify(wanted))
  return wanted.object as Pod
}

describe('any pod', () => {
  test('is translated without a trace on it, and the same way each time', () => {
    fc.assert(
      fc.property(pod, (tenantPod) => {
        expect(JSON.stringify(wantedPod(tenantPod))).toBe(JSON.stringify(wantedPod(JSON.parse(JSON.stringify(tenantPod)))))
      }),
    )
  })

  test("has no key of Berth's domain from the tenant", () => {
    fc.assert(
      fc.property(pod, (tenantPod) => {
        const { labels = {}, annotations = {} } = wantedPod(tenantPod).metadata
        expect(Object.keys(labels).filter(isBerthKey)).toEqual(['berth.dev/tenant'])
        expect(labels['berth.dev/tenant']).toBe(ctx.tenant.uid)
        expect(annotations['berth.dev/tenant']).toBeUndefined()
        expect(annotations['x.berth.dev/y']).toBeUndefined()
      }),
    )
  })

  test("reads only what is the tenant's, and asks super for no token", () => {
    fc.assert(
      fc.property(pod, (tenantPod) => {
        const { spec: superSpec, metadata } = wantedPod(tenantPod)
        const text = JSON.stringify(superSpec)
        expect(text).not.toContain('"serviceAccountToken"')
        expect(superSpec.serviceAccountName).toBe('berth-workload')
        expect(superSpec.nodeName).toBeUndefined()
        const paths = [...text.matchAll(/"fieldPath":"([^"]*)"/g)].map(([, path = '']) => path)
        for (const path of paths) {
          const key = /^metadata\.annotations\['(.*)'\]$/.exec(path)?.[1]
          if (key !== undefined && isBerthKey(key)) expect(Object.keys(metadata.annotations ?? {})).toContain(key)
          else expect(path).toMatch(/^(metadata\.name|metadata\.labels\['(app|constructor)'\]|status\.podIP)$/)
        }
      }),
    )
  })

  test("finds its ConfigMaps and Secrets where they are put, and never super's own root CA", () => {
    fc.assert(
      fc.property(pod, (tenantPod) => {
        const text = JSON.stringify(wantedPod(tenantPod).spec)
        const names = [...text.matchAll(/"(?:name|secretName)":"([^"]*\.(?:berth|crt))"/g)].map(([, name = '']) => name)
        // What ends in the reserved suffix is a token Secret of this very pod, the tenant's root CA, or a tenant's name with one suffix more.
        for (const name of names)
          expect(name).toMatch(/^(kube-root-ca\.crt\.berth|.*\.berth\.berth|web\.[a-z2-7]{12}\.token\.berth)$/)
      }),
    )
  })

  test('declares the API server first in every container', () => {
    fc.assert(
      fc.property(pod, (tenantPod) => {
        for (const { env } of allContainers(wantedPod(tenantPod).spec)) {
          expect(env?.slice(0, 8).every(({ name }) => name.startsWith('KUBERNETES_'))).toBe(true)
        }
      }),
    )
  })

  test('reaches no namespace but its own tenant', () => {
    fc.assert(
      fc.property(pod, (tenantPod) => {
        for (const { namespaces, namespaceSelector } of wantedPod(tenantPod).spec.affinity?.podAffinity
          ?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
          for (const namespace of namespaces ?? []) expect([superNs, superNamespace(ctx.tenant, 'other')]).toContain(namespace)
          if (namespaceSelector) expect(namespaceSelector.matchLabels?.['berth.dev/tenant']).toBe(ctx.tenant.uid)
        }
      }),
    )
  })
})

const condition = fc.record({
  type: fc.constantFrom('PodScheduled', 'Ready', 'Initialized', 'example.com/gate', 'DisruptionTarget', 'PodResizePending'),
  status: fc.constantFrom('True', 'False'),
  lastTransitionTime: fc.constantFrom('2026-11-21T08:00:00Z', '2026-11-21T08:00:01Z'),
})
const conditions = fc.uniqueArray(condition, { selector: ({ type }) => type, maxLength: 5 })
const containerStatus = fc.record({
  name: fc.constantFrom('main', 'mesh', 'init'),
  ready: fc.boolean(),
  state: fc.constantFrom({ running: {} }, { waiting: { message: `in ${superNs}` } }),
})
const status = fc.record(
  {
    phase: fc.constantFrom('Pending', 'Running', 'Failed'),
    conditions,
    containerStatuses: fc.uniqueArray(containerStatus, { selector: ({ name }) => name }),
    podIP: fc.constantFrom('10.0.0.5', '10.0.0.6'),
    message: fc.constantFrom(`pod ${superNs}/web`, 'Evicted'),
    qosClass: fc.constantFrom('BestEffort', 'Burstable'),
    observedGeneration: fc.constantFrom(1, 2),
    resources: fc.dictionary(
      fc.constantFrom('requests', 'limits'),
      fc.dictionary(fc.constantFrom('cpu', 'memory'), fc.constantFrom('1', '2')),
    ),
    future: fc.boolean(),
  },
  { requiredKeys: ['phase'] },
)

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

test('once a status has been written there is nothing left to write', () => {
  fc.assert(
    fc.property(status, status, maybe(fc.constant('node-1')), fc.boolean(), (superStatus, tenantStatus, nodeName, bound) => {
      // A Binding sets node and condition at once, in super as well.
      const others = (superStatus.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
      const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-11-21T08:00:00Z' }
      const superPod = aTenantPod(
        { nodeName },
        {
          metadata: { namespace: superNs, uid: 'super', generation: 2 },
          status: nodeName === undefined ? superStatus : { ...superStatus, conditions: [...others, scheduled] },
        },
      )
      const gates = { readinessGates: [{ conditionType: 'example.com/gate' }] }
      const tenantPod = aTenantPod(
        { ...gates, nodeName: bound ? nodeName : undefined },
        { metadata: { generation: 4 }, status: tenantStatus },
      )
      let next: KubeObject = tenantPod
      for (const write of pods.toTenant?.(superPod, tenantPod, ctx) ?? []) {
        if (write.kind === 'bind') {
          const own = (next.status.conditions ?? []).filter(({ type }: { type: string }) => type !== 'PodScheduled')
          next = {
            ...next,
            spec: { ...next.spec, nodeName: write.node },
            status: { ...next.status, conditions: [...own, { ...scheduled, lastTransitionTime: '2026-11-21T08:09:09Z' }] },
          }
        }
        if (write.kind === 'status') next = { ...next, status: applied(next.status, write.status) }
      }
      const after = pods.toTenant?.(superPod, frozen(next), ctx) ?? []
      expect(after).toEqual([])
      expect(JSON.stringify(next.status)).not.toContain(superNs)
    }),
    { numRuns: 500 },
  )
})
