import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { aNamespace } from '../../testing/builders.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { pods } from '../resources/pods.ts'
import { updatedObject, wantedObject } from '../super-object.ts'

const ctx = aSyncContext({ isolation: { profile: 'privileged' }, policy: { inlineCSIDrivers: ['csi.example'] } })
const superNs = superNamespace(ctx.tenant, 'shop')
let api: TestApiServer

beforeAll(async () => {
  api = await startApiServer()
  for (const name of ['shop', superNs]) await api.client.create(resourceTypes.namespaces, aNamespace({ metadata: { name } }))
}, 120_000)

afterAll(async () => {
  await api?.stop()
}, 60_000)

/** A pod with as much in it as one pod can have. */
const kitchenSink: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'sink',
    namespace: 'shop',
    labels: { app: 'web', hash: 'h1', 'berth.dev/tenant': 'other' },
    annotations: { note: 'say "hi"\n', 'berth.dev/uid': 'other' },
  },
  spec: {
    hostname: 'sink',
    subdomain: 'db',
    setHostnameAsFQDN: true,
    serviceAccountName: 'builder',
    nodeSelector: { zone: 'a' },
    enableServiceLinks: true,
    activeDeadlineSeconds: 600,
    tolerations: [{ key: 'spot', operator: 'Exists' }],
    readinessGates: [{ conditionType: 'example.com/gate' }],
    imagePullSecrets: [{ name: 'registry.berth' }],
    hostAliases: [{ ip: '192.0.2.1', hostnames: ['legacy'] }],
    dnsConfig: { nameservers: ['192.0.2.53'], searches: ['corp.example'], options: [{ name: 'edns0' }] },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { app: 'web' } },
        matchLabelKeys: ['hash'],
      },
    ],
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            topologyKey: 'kubernetes.io/hostname',
            labelSelector: { matchLabels: { app: 'web' } },
            matchLabelKeys: ['hash'],
            mismatchLabelKeys: ['app'],
            namespaces: ['other'],
            namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['a'] }] },
          },
        ],
      },
    },
    initContainers: [{ name: 'sidecar', image: 'i:1', restartPolicy: 'Always' }],
    containers: [
      {
        name: 'main',
        image: 'web:1',
        resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1' } },
        envFrom: [{ configMapRef: { name: 'settings' } }, { prefix: 'S_', secretRef: { name: 'login', optional: true } }],
        env: [
          { name: 'NS', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
          { name: 'ID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
          { name: 'SA', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } },
          { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: 'OWN', valueFrom: { fieldRef: { fieldPath: "metadata.labels['berth.dev/tenant']" } } },
          { name: 'KUBERNETES_SERVICE_HOST', value: 'api.example' },
        ],
        volumeMounts: [{ name: 'access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
      },
    ],
    volumes: [
      {
        name: 'access',
        projected: {
          sources: [
            { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
          ],
        },
      },
      {
        name: 'info',
        downwardAPI: {
          items: [
            { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
            { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
          ],
        },
      },
      {
        name: 'scratch',
        ephemeral: {
          volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
        },
      },
      { name: 'inline', csi: { driver: 'csi.example', nodePublishSecretRef: { name: 'login' } } },
      { name: 'image', image: { reference: 'registry.example/data:1' } },
    ],
  },
}

const wantedPod = (tenantPod: KubeObject): KubeObject => {
  const wanted = wantedObject(pods, tenantPod, ctx)
  if (wanted.kind !== 'object') throw new Error(JSON.stringify(wanted))
  return wanted.object
}
const ref = { name: 'sink', namespace: superNs }
const tenantRef = { name: 'sink', namespace: 'shop' }
const written = async (): Promise<[superPod: KubeObject, tenantPod: KubeObject]> => {
  const pair = await Promise.all([api.client.get(resourceTypes.pods, ref), api.client.get(resourceTypes.pods, tenantRef)])
  if (!pair[0] || !pair[1]) throw new Error('a pod is missing')
  return [pair[0], pair[1]]
}

describe('a real API server', () => {
  test('takes the translation of a pod that it defaulted', async () => {
    const tenantPod = await api.client.create(resourceTypes.pods, kitchenSink)
    const superPod = await api.client.create(resourceTypes.pods, wantedPod(tenantPod))
    expect(superPod.spec.hostnameOverride).toBe('sink.db.shop.svc.cluster.local')
    expect(superPod.spec.topologySpreadConstraints[0].labelSelector.matchExpressions).toEqual([
      { key: 'hash', operator: 'In', values: ['h1'] },
    ])
    const [term] = superPod.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
    expect(term.labelSelector.matchExpressions.map(({ operator }: { operator: string }) => operator)).toEqual(['In', 'NotIn'])
  })

  test('takes every change that the tenant was allowed', async () => {
    const [, before] = await written()
    const tolerations = [...before.spec.tolerations, { key: 'more', operator: 'Exists' }]
    const containers = [{ ...before.spec.containers[0], image: 'web:2' }]
    const changed = { ...before, spec: { ...before.spec, containers, tolerations, activeDeadlineSeconds: 60 } }
    await api.client.replace(resourceTypes.pods, changed)
    const [live, tenantPod] = await written()
    const change = updatedObject(pods, live, wantedPod(tenantPod))
    if (change.kind !== 'replace') throw new Error(change.kind)
    const { spec } = await api.client.replace(resourceTypes.pods, change.object)
    expect([spec.containers[0].image, spec.activeDeadlineSeconds, spec.tolerations.at(-1).key]).toEqual(['web:2', 60, 'more'])
  })

  test('takes debug containers, gates and sizes through their subresources, once', async () => {
    const patch = (subresource: string, body: unknown) =>
      api.client.patch(resourceTypes.pods, tenantRef, body, { type: 'strategic', subresource })
    await patch('ephemeralcontainers', {
      spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox', targetContainerName: 'main' }] },
    })
    await patch('resize', { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '200m' } } }] } })
    await patch('status', { status: { conditions: [{ type: 'example.com/gate', status: 'True', reason: 'Attached' }] } })
    const [live, tenantPod] = await written()
    const writes = pods.superWrites?.(live, tenantPod, ctx) ?? []
    expect(writes.map(({ subresource }) => subresource)).toEqual(['ephemeralcontainers', 'status', 'resize'])
    for (const write of writes) {
      const body = { ...write.patch, metadata: { uid: live.metadata.uid } }
      await api.client.patch(resourceTypes.pods, ref, body, { type: 'strategic', subresource: write.subresource })
    }
    const [after] = await written()
    expect(after.spec.ephemeralContainers.map(({ name }: { name: string }) => name)).toEqual(['debug'])
    expect(after.spec.containers[0].resources.requests).toEqual({ cpu: '200m', memory: '64Mi' })
    expect(after.status.conditions).toMatchObject([{ type: 'example.com/gate', status: 'True' }])
    expect(pods.superWrites?.(after, tenantPod, ctx)).toEqual([])
  })

  test("takes the binding and super's status, and then all is said", async () => {
    const bind = (pod: typeof ref, node: string) =>
      api.client.create(
        resourceTypes.pods,
        { apiVersion: 'v1', kind: 'Binding', metadata: pod, target: { apiVersion: 'v1', kind: 'Node', name: node } },
        { subresource: 'binding' },
      )
    await bind(ref, 'node-1')
    const status = {
      phase: 'Running',
      podIP: '10.0.0.5',
      podIPs: [{ ip: '10.0.0.5' }],
      hostIP: '10.0.0.1',
      hostIPs: [{ ip: '10.0.0.1' }],
      startTime: '2026-11-21T08:00:00Z',
      message: `in ${superNs}`,
      conditions: [{ type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady' }],
      containerStatuses: [
        {
          name: 'main',
          ready: true,
          restartCount: 0,
          image: 'web:2',
          imageID: 'sha256:1',
          containerID: 'containerd://1',
          state: { running: { startedAt: '2026-11-21T08:00:01Z' } },
        },
        { name: 'mesh', ready: true, restartCount: 0, image: 'mesh:1', imageID: 'sha256:2' },
      ],
    }
    await api.client.patch(resourceTypes.pods, ref, { status }, { type: 'strategic', subresource: 'status' })
    const [superPod, tenantPod] = await written()
    const writes = pods.toTenant?.(superPod, tenantPod, ctx) ?? []
    expect(writes.map(({ kind }) => kind)).toEqual(['bind', 'status'])
    for (const write of writes) {
      if (write.kind === 'bind') await bind(tenantRef, write.node)
      if (write.kind === 'status') {
        await api.client.patch(resourceTypes.pods, tenantRef, { status: write.status }, { type: 'merge', subresource: 'status' })
      }
    }
    const [, after] = await written()
    expect(after.status).toMatchObject({ phase: 'Running', podIP: '10.0.0.5', message: 'in shop' })
    expect(after.status.containerStatuses.map(({ name }: { name: string }) => name)).toEqual(['main'])
    expect(after.status.conditions.map(({ type }: { type: string }) => type).toSorted()).toEqual([
      'PodScheduled',
      'Ready',
      'example.com/gate',
    ])
    expect(pods.toTenant?.(superPod, after, ctx)).toEqual([])
    // The binding, the status and the debug container changed nothing that was written down.
    expect(wantedPod(after)).toEqual(wantedPod(tenantPod))
  })
})
