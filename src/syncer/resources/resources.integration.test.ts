import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { hasCode } from '../../lib/errors.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { aConfigMap, aNamespace, aPersistentVolumeClaim, aSecret, aService } from '../../testing/builders.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { SyncedResource } from '../resource.ts'
import { updatedObject, wantedObject } from '../super-object.ts'
import { configMaps } from './config-maps.ts'
import { endpointSlices } from './endpoint-slices.ts'
import { tenantEvent } from './events.ts'
import { namespaces } from './namespaces.ts'
import { tenantNode } from './nodes.ts'
import { persistentVolumeClaims } from './persistent-volume-claims.ts'
import { tenantPersistentVolume } from './persistent-volumes.ts'
import { secrets } from './secrets.ts'
import { services } from './services.ts'

const ctx = aSyncContext({ classes: { defaultOf: () => 'standard' } })
const superNs = superNamespace(ctx.tenant, 'shop')
let api: TestApiServer

const wantedOf = (resource: SyncedResource, tenantObject: KubeObject): KubeObject => {
  const wanted = wantedObject(resource, tenantObject, ctx)
  if (wanted.kind !== 'object') throw new Error(JSON.stringify(wanted))
  return wanted.object
}
const create = (type: ResourceType, object: KubeObject) => api.client.create<KubeObject>(type, object)
const refOf = ({ metadata: { name = '', namespace } }: KubeObject) => ({ name, ...(namespace !== undefined && { namespace }) })

beforeAll(async () => {
  api = await startApiServer()
  const shop = await create(resourceTypes.namespaces, aNamespace({ metadata: { name: 'shop', labels: { team: 'a' } } }))
  await create(resourceTypes.namespaces, wantedOf(namespaces, shop))
  await create(resourceTypes.storageClasses, {
    metadata: { name: 'standard' },
    provisioner: 'example.com/disk',
    allowVolumeExpansion: true,
  })
}, 120_000)

afterAll(async () => {
  await api?.stop()
}, 60_000)

/** Both sides share this API server's allocator: the tenant's object has to go before super can have its address. */
const tenantService = async (spec: Record<string, unknown>, name: string): Promise<KubeObject> => {
  const service = await create(resourceTypes.services, aService({ metadata: { namespace: 'shop', name }, spec }))
  await api.client.delete(resourceTypes.services, refOf(service))
  return frozen(service)
}

describe('services', () => {
  const ports = [{ name: 'http', port: 80 }]

  test.for<[name: string, spec: Record<string, unknown>]>([
    ['cluster-ip', { clusterIP: '10.96.4.20', ports, selector: { app: 'a' } }],
    ['headless', { clusterIP: 'None', ports }],
    ['node-port', { type: 'NodePort', clusterIP: '10.96.4.21', ports }],
    ['balanced', { type: 'LoadBalancer', clusterIP: '10.96.4.22', externalTrafficPolicy: 'Local', ports }],
  ])('%s: super has what the tenant has', async ([name, spec]) => {
    const service = await tenantService(spec, name)
    const live = await create(resourceTypes.services, wantedOf(services, service))
    expect(live.spec).toEqual(service.spec)
    expect(services.toTenant?.(live, service, ctx)).toEqual([])
  })

  test('a node port that is taken becomes another, and comes up', async () => {
    const service = await tenantService({ type: 'NodePort', clusterIP: '10.96.4.30', ports }, 'late')
    const [{ nodePort }] = service.spec.ports
    await create(
      resourceTypes.services,
      aService({ metadata: { name: 'early' }, spec: { type: 'NodePort', ports: [{ port: 80, nodePort }] } }),
    )
    const wanted = wantedOf(services, service)
    const refused: unknown = await create(resourceTypes.services, wanted).catch((error: unknown) => error)
    if (!hasCode(refused, 'KUBE_INVALID')) throw new Error('the node port should be taken')
    const live = await create(resourceTypes.services, services.relaxed?.(wanted, refused) ?? wanted)
    const chosen = live.spec.ports[0].nodePort
    expect(chosen).not.toBe(nodePort)
    expect(services.toTenant?.(live, service, ctx)).toEqual([
      {
        kind: 'patch',
        body: { spec: { ports: [{ ...service.spec.ports[0], nodePort: chosen }] } },
        note: { reason: 'NodePortChanged', message: `${nodePort} is in use, it is ${chosen} now` },
      },
    ])
  })

  test.for<[name: string, before: Record<string, unknown>, after: Record<string, unknown>]>([
    [
      'gains-ports',
      { clusterIP: '10.96.4.40', ports },
      { ports: [...ports, { name: 'https', port: 443, protocol: 'TCP', targetPort: 443 }] },
    ],
    [
      'gives-up-node-port',
      { type: 'NodePort', clusterIP: '10.96.4.42', ports },
      {
        type: 'ClusterIP',
        ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 80 }],
        externalTrafficPolicy: undefined,
      },
    ],
    ['loses-selector', { clusterIP: '10.96.4.43', ports, selector: { app: 'a' } }, { selector: undefined }],
  ])('%s: changes are taken in place', async ([name, before, after]) => {
    const service = await tenantService(before, name)
    const live = await create(resourceTypes.services, wantedOf(services, service))
    const changed = JSON.parse(JSON.stringify({ ...service, spec: { ...service.spec, ...after } }))
    const change = updatedObject(services, live, wantedOf(services, changed))
    if (change.kind !== 'replace') throw new Error(change.kind)
    const { spec } = await api.client.replace(resourceTypes.services, change.object)
    expect(spec).toMatchObject(changed.spec)
    expect(spec.selector).toEqual(changed.spec.selector)
  })
})

test('an EndpointSlice by hand, and its change', async () => {
  const slice = await create(resourceTypes.endpointSlices, {
    metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.168.7.20'], nodeName: 'node-1' }],
    ports: [{ name: 'pg', port: 5432 }],
  })
  const live = await create(resourceTypes.endpointSlices, wantedOf(endpointSlices, slice))
  const change = updatedObject(
    endpointSlices,
    live,
    wantedOf(endpointSlices, { ...slice, endpoints: [{ addresses: ['192.168.7.21'] }] }),
  )
  if (change.kind !== 'replace') throw new Error(change.kind)
  expect((await api.client.replace<KubeObject>(resourceTypes.endpointSlices, change.object)).endpoints).toEqual([
    { addresses: ['192.168.7.21'], conditions: {} },
  ])
})

test('ConfigMaps and Secrets, those of service accounts included', async () => {
  const map = await create(resourceTypes.configMaps, aConfigMap({ metadata: { name: 'kube-root-ca.crt', namespace: 'shop' } }))
  expect((await create(resourceTypes.configMaps, wantedOf(configMaps, map))).metadata.name).toBe('kube-root-ca.crt.berth')
  await create(resourceTypes.serviceAccounts, { metadata: { name: 'builder', namespace: 'shop' } })
  const annotations = { 'kubernetes.io/service-account.name': 'builder' }
  const secret = aSecret({
    metadata: { name: 'token', namespace: 'shop', annotations },
    type: 'kubernetes.io/service-account-token',
  })
  const live = await create(resourceTypes.secrets, wantedOf(secrets, await create(resourceTypes.secrets, secret)))
  expect([live.type, live.metadata.annotations?.['kubernetes.io/service-account.name']]).toEqual(['Opaque', undefined])
})

test('a claim is bound, and then all is said', async () => {
  const claim = await create(
    resourceTypes.persistentVolumeClaims,
    aPersistentVolumeClaim({
      metadata: { name: 'data', namespace: 'shop' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    }),
  )
  const created = await create(resourceTypes.persistentVolumeClaims, wantedOf(persistentVolumeClaims, claim))
  await api.client.patch(resourceTypes.persistentVolumeClaims, refOf(created), {
    spec: { volumeName: 'pvc-1', storageClassName: 'standard' },
  })
  const status = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } }
  const superClaim = await api.client.patch<KubeObject>(
    resourceTypes.persistentVolumeClaims,
    refOf(created),
    { status },
    { subresource: 'status' },
  )
  let tenantClaim = claim
  for (const write of persistentVolumeClaims.toTenant?.(superClaim, claim, ctx) ?? []) {
    if (write.kind === 'patch')
      tenantClaim = await api.client.patch(resourceTypes.persistentVolumeClaims, refOf(claim), write.body)
    if (write.kind === 'status') {
      const body = { status: write.status }
      tenantClaim = await api.client.patch(resourceTypes.persistentVolumeClaims, refOf(claim), body, { subresource: 'status' })
    }
  }
  expect(tenantClaim.spec).toMatchObject({ volumeName: 'pvc-1', storageClassName: 'standard' })
  expect(tenantClaim.status.phase).toBe('Bound')
  expect(persistentVolumeClaims.toTenant?.(superClaim, tenantClaim, ctx)).toEqual([])

  const grown = { ...tenantClaim, spec: { ...tenantClaim.spec, resources: { requests: { storage: '2Gi' } } } }
  const change = updatedObject(persistentVolumeClaims, superClaim, wantedOf(persistentVolumeClaims, grown))
  if (change.kind !== 'replace') throw new Error(change.kind)
  const { spec } = await api.client.replace(resourceTypes.persistentVolumeClaims, change.object)
  expect(spec).toMatchObject({ volumeName: 'pvc-1', resources: { requests: { storage: '2Gi' } } })
})

describe('what comes up is taken by the tenant', () => {
  test.for<[name: string, type: ResourceType, object: () => KubeObject]>([
    [
      'Node',
      resourceTypes.nodes,
      () =>
        tenantNode(
          {
            metadata: { name: 'node-1', labels: { zone: 'a' } },
            spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }], podCIDR: '10.0.1.0/24' },
            status: {
              capacity: { cpu: '8' },
              allocatable: { cpu: '7' },
              conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-21T08:00:00Z' }],
              addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
              nodeInfo: { kubeletVersion: 'v1.37.1' },
            },
          },
          { agentPort: 10_550 },
        ),
    ],
    [
      'PersistentVolume',
      resourceTypes.persistentVolumes,
      () =>
        tenantPersistentVolume(
          {
            metadata: { name: 'pvc-1' },
            spec: {
              capacity: { storage: '1Gi' },
              accessModes: ['ReadWriteOnce'],
              persistentVolumeReclaimPolicy: 'Delete',
              storageClassName: 'standard',
              volumeMode: 'Filesystem',
              hostPath: { path: `/opt/${superNs}` },
            },
            status: { phase: 'Bound' },
          },
          { tenantClaim: { metadata: { name: 'data', namespace: 'shop', uid: 'u' } }, ctx },
        ),
    ],
    [
      'Event',
      resourceTypes.events,
      () =>
        tenantEvent(
          {
            metadata: { name: 'web.18a', namespace: superNs },
            involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: superNs, name: 'web', uid: 's' },
            type: 'Normal',
            reason: 'Scheduled',
            action: 'Binding',
            eventTime: '2026-11-21T08:00:00.000000Z',
            message: 'Successfully assigned',
            reportingComponent: 'default-scheduler',
            reportingInstance: 'scheduler-1',
          },
          { involved: aTenantPod(), superNamespaceName: superNs, isSuperNamespace: () => false },
        ),
    ],
  ])('%s', async ([, type, object]) => {
    const wanted = object()
    const created = await create(type, wanted)
    expect(created.metadata.name).toBe(wanted.metadata.name)
    if (wanted.status) {
      const after = await api.client.patch<KubeObject>(type, refOf(wanted), { status: wanted.status }, { subresource: 'status' })
      expect(after.status).toMatchObject(wanted.status)
    }
  })
})
