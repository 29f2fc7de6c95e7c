import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { eventually } from '../../testing/eventually.ts'
import { countsOf, drill } from '../drill/drill.ts'
import { type LoopbackEtcd, loopbackEtcd } from './loopback-etcd.ts'
import { type RemapResult, remap } from './remap.ts'

const signal = new AbortController().signal
const slices = { from: ['10.96.4.0/24'], to: ['10.96.9.0/24'] }
const keys = { source: randomBytes(32), own: randomBytes(32) }
const widgets: ResourceType = { group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true }

const container = { name: 'main', image: 'x' }
const podSpec = { containers: [container], serviceAccountName: 'default', tolerations: [{ operator: 'Exists' }] }
const at = { namespace: 'work' }

let folder: string
let source: TestApiServer
let clone: TestApiServer
let etcd: LoopbackEtcd
let result: RemapResult
const before = new Map<string, KubeObject>()

/** As Berth gives it to API servers. */
const encryptionFlag = async (name: string, key: Buffer): Promise<string> => {
  const providers = [{ secretbox: { keys: [{ name: 'key1', secret: key.toString('base64') }] } }, { identity: {} }]
  const config = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'EncryptionConfiguration' }
  await writeFile(join(folder, name), stringify({ ...config, resources: [{ resources: ['secrets'], providers }] }))
  return `--encryption-provider-config=${join(folder, name)}`
}

const make = async (type: ResourceType, object: object, status?: object): Promise<KubeObject> => {
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`
  const made = await source.client.create(type, { apiVersion, kind: type.kind, ...object } as KubeObject)
  const body = { ...made, status }
  const kept = status ? await source.client.replace(type, body as KubeObject, { subresource: 'status' }) : made
  before.set(`${type.plural}/${made.metadata.name}`, kept)
  return kept
}
const found = (type: ResourceType, name: string, namespace?: string) =>
  clone.client.get(type, { name, ...(namespace !== undefined && { namespace }) })

const fill = async (): Promise<void> => {
  await make(resourceTypes.namespaces, { metadata: { name: 'work' } })
  await make(resourceTypes.nodes, { metadata: { name: 'node-1' } })
  const port = { port: 80 }
  await make(resourceTypes.services, { metadata: { name: 'dns', ...at }, spec: { clusterIP: '10.96.4.10', ports: [port] } })
  await make(resourceTypes.services, { metadata: { name: 'headless', ...at }, spec: { clusterIP: 'None', ports: [port] } })
  await make(
    resourceTypes.services,
    {
      metadata: { name: 'web', ...at, annotations: { note: 'kept' } },
      spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ ...port, nodePort: 30_123 }] },
    },
    { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } },
  )
  await make(
    resourceTypes.ingresses,
    {
      metadata: { name: 'web', ...at },
      spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    },
    { loadBalancer: { ingress: [{ ip: '192.0.2.8' }] } },
  )
  const [first] = (await source.client.list(resourceTypes.namespaces)).items
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: first?.metadata.uid ?? '', controller: true }
  const running = { phase: 'Running', podIP: '10.1.1.1', qosClass: 'BestEffort', conditions: [{ type: 'Ready', status: 'True' }] }
  const bound = { ...podSpec, nodeName: 'node-1' }
  await make(resourceTypes.pods, { metadata: { name: 'owned', ...at, ownerReferences: [owner] }, spec: bound }, running)
  await make(resourceTypes.pods, { metadata: { name: 'bare', ...at, labels: { app: 'bare' } }, spec: bound }, running)
  await make(resourceTypes.pods, { metadata: { name: 'ended', ...at }, spec: bound }, { ...running, phase: 'Succeeded' })
  await make(resourceTypes.pods, { metadata: { name: 'going', ...at, finalizers: ['example.com/hold'] }, spec: bound }, running)
  await source.client.delete(resourceTypes.pods, { name: 'going', ...at }, { gracePeriodSeconds: 0 })
  await make(resourceTypes.persistentVolumes, {
    metadata: { name: 'pv-1' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } },
  })
  await make(
    resourceTypes.persistentVolumeClaims,
    {
      metadata: { name: 'data', ...at, annotations: { 'pv.kubernetes.io/bind-completed': 'yes', 'my/note': 'kept' } },
      spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv-1', resources: { requests: { storage: '1Gi' } } },
    },
    { phase: 'Bound', capacity: { storage: '1Gi' } },
  )
  await make(resourceTypes.secrets, { metadata: { name: 'hidden', ...at }, stringData: { key: 'a secret value' } })
  await make(resourceTypes.secrets, { metadata: { name: 'large', ...at }, stringData: { key: 'x'.repeat(1_000_000) } })
  await make(resourceTypes.serviceAccounts, { metadata: { name: 'robot', ...at } })
  await make(resourceTypes.secrets, {
    metadata: { name: 'robot-token', ...at, annotations: { 'kubernetes.io/service-account.name': 'robot' } },
    type: 'kubernetes.io/service-account-token',
    stringData: { token: 'signed by the old key' },
  })
  await make(resourceTypes.configMaps, { metadata: { name: 'kept', ...at }, data: { key: 'value' } })
  await make(resourceTypes.configMaps, { metadata: { name: 'kube-root-ca.crt', ...at }, data: { 'ca.crt': 'of the source' } })
  const authentication = await source.client.get(resourceTypes.configMaps, {
    name: 'extension-apiserver-authentication',
    namespace: 'kube-system',
  })
  before.set('authentication', authentication as KubeObject)
  await make(resourceTypes.leases, { metadata: { name: 'leader', ...at }, spec: { holderIdentity: 'somebody' } })
  await make(resourceTypes.deployments, {
    metadata: { name: 'web', ...at },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: podSpec },
    },
  })
  await make(resourceTypes.customResourceDefinitions, {
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  })
  for (let number = 0; number < 40; number += 1) {
    const { metadata } = await make(resourceTypes.secrets, {
      metadata: { name: `many-${number}`, ...at },
      stringData: { key: String(number).repeat(20_000) },
    })
    if (number === 39) before.set('last', { metadata })
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-remap-'))
  source = await startApiServer({
    flags: [`--service-cluster-ip-range=${slices.from[0]}`, await encryptionFlag('source.yaml', keys.source)],
  })
  await eventually(() => source.client.get(resourceTypes.services, { name: 'kubernetes', namespace: 'default' }))
  await fill()
  // Nobody else writes from here on, as in the pod that does it.
  await source.kill()
  etcd = loopbackEtcd(source.etcdUrl, signal)
  result = await remap(etcd, { slices, keys })
  clone = await startApiServer({
    storeOf: source,
    flags: [`--service-cluster-ip-range=${slices.to[0]}`, await encryptionFlag('own.yaml', keys.own)],
  })
})
afterAll(async () => {
  await clone?.stop()
  await source?.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('the data of one tenant, made those of another', () => {
  test('are counted', () => {
    expect(result).toMatchObject({ secrets: 43, services: 3 })
    expect(result.objects).toBeGreaterThan(100)
  })

  test('have Services as far into the new slice as they were in the old one', async () => {
    const addressOf = async (name: string, namespace = 'work') =>
      (await found(resourceTypes.services, name, namespace))?.spec as { clusterIP: string; clusterIPs: string[] }
    const made = await eventually(() => addressOf('kubernetes', 'default'), { describe: 'the Service of the API server' })
    expect(made.clusterIP).toBe('10.96.9.1')
    expect(await addressOf('dns')).toMatchObject({ clusterIP: '10.96.9.10', clusterIPs: ['10.96.9.10'] })
    expect(await addressOf('headless')).toMatchObject({ clusterIP: 'None' })
    const web = await addressOf('web')
    const old = before.get('services/web')?.spec as { clusterIP: string }
    expect(web.clusterIP).toBe(old.clusterIP.replace('10.96.4.', '10.96.9.'))
    expect(web.clusterIPs).toEqual([web.clusterIP])
    expect(web).toMatchObject({ ports: [{ nodePort: 30_123 }], selector: { app: 'web' } })
    const stored = await found(resourceTypes.services, 'web', 'work')
    expect(stored?.status).toEqual({ loadBalancer: {} })
    expect(stored?.metadata).toMatchObject({ uid: before.get('services/web')?.metadata.uid, annotations: { note: 'kept' } })
    expect((await found(resourceTypes.ingresses, 'web', 'work'))?.status).toEqual({ loadBalancer: {} })
  })

  test('give out addresses that no Service has', async () => {
    const has = ({ items }: { items: readonly KubeObject[] }) => items.map(({ metadata }) => metadata.name ?? '').sort()
    const addresses = has(await clone.client.list(resourceTypes.ipAddresses))
    const services = (await clone.client.list(resourceTypes.services)).items.map(({ spec }) => spec.clusterIP as string)
    expect(addresses).toEqual(services.filter((address) => address !== 'None').sort())
    const cidrs = (await clone.client.list(resourceTypes.serviceCIDRs)).items.map(({ spec }) => spec.cidrs as string[])
    expect(cidrs).toEqual([['10.96.9.0/24']])
    const made = await clone.client.create(resourceTypes.services, {
      metadata: { name: 'later', ...at },
      spec: { ports: [{ port: 80 }] },
    } as KubeObject)
    expect(addresses).not.toContain(made.spec.clusterIP)
    expect(made.spec.clusterIP).toMatch(/^10\.96\.9\./)
  })

  test('have Secrets that only the new key reads, and no token of the old tenant', async () => {
    const value = async (name: string) =>
      Buffer.from((await found(resourceTypes.secrets, name, 'work'))?.data?.key ?? '', 'base64').toString()
    expect(await value('hidden')).toBe('a secret value')
    expect(await value('large')).toBe('x'.repeat(1_000_000))
    expect(await value('many-39')).toBe('39'.repeat(20_000))
    const token = await found(resourceTypes.secrets, 'robot-token', 'work')
    expect(token?.metadata.uid).toBe(before.get('secrets/robot-token')?.metadata.uid)
    expect(token?.data).toBeUndefined()
    for await (const { value: stored } of etcd.all('/registry/secrets/')) {
      expect(stored.subarray(0, 26).toString()).toBe('k8s:enc:secretbox:v1:key1:')
      expect(stored.includes('a secret value')).toBe(false)
    }
    expect((await clone.client.raw('/readyz')).status).toBe(200)
  })

  test('have no pods but those that nobody makes anew, which have no node', async () => {
    const { items } = await clone.client.list(resourceTypes.pods, at)
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['bare', 'ended'])
    const bare = await found(resourceTypes.pods, 'bare', 'work')
    const old = before.get('pods/bare')
    expect(bare?.spec).toEqual({ ...(old?.spec as object), nodeName: undefined })
    expect(bare?.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
    expect(bare?.metadata).toMatchObject({ uid: old?.metadata.uid, labels: { app: 'bare' } })
    // It would be collected, as its node is not there.
    const ended = await found(resourceTypes.pods, 'ended', 'work')
    expect(ended?.spec.nodeName).toBeUndefined()
    expect(ended?.status).toMatchObject({ phase: 'Succeeded' })
  })

  test('have claims that want a new volume, and no volumes, nodes, leases or authorities', async () => {
    const claim = await found(resourceTypes.persistentVolumeClaims, 'data', 'work')
    expect(claim?.spec.volumeName).toBeUndefined()
    expect(claim?.metadata.annotations).toEqual({ 'my/note': 'kept' })
    expect(claim?.status).toEqual({ phase: 'Pending' })
    expect((await clone.client.list(resourceTypes.persistentVolumes)).items).toEqual([])
    expect((await clone.client.list(resourceTypes.nodes)).items).toEqual([])
    expect(await found(resourceTypes.leases, 'leader', 'work')).toBeUndefined()
    expect(await found(resourceTypes.configMaps, 'kube-root-ca.crt', 'work')).toBeUndefined()
    const trusted = await found(resourceTypes.configMaps, 'extension-apiserver-authentication', 'kube-system')
    const old = before.get('authentication')?.data?.['client-ca-file'] as string
    expect(old).toContain('BEGIN CERTIFICATE')
    expect(trusted?.data?.['client-ca-file']).not.toContain(old.trim())
  })

  test('are otherwise the same, and can be written', async () => {
    for (const [key, type] of [
      ['configmaps/kept', resourceTypes.configMaps],
      ['deployments/web', resourceTypes.deployments],
      ['serviceaccounts/robot', resourceTypes.serviceAccounts],
    ] as const) {
      const old = before.get(key)
      const { name = '', namespace = '' } = old?.metadata ?? {}
      expect(await found(type, name, namespace)).toEqual(old)
    }
    await clone.client.create(widgets, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'one', ...at } })
    for (const [type, name] of [
      [resourceTypes.services, 'web'],
      [resourceTypes.pods, 'bare'],
      [resourceTypes.persistentVolumeClaims, 'data'],
      [resourceTypes.secrets, 'hidden'],
      [resourceTypes.secrets, 'robot-token'],
      [resourceTypes.ingresses, 'web'],
    ] as const) {
      const body = { metadata: { labels: { touched: 'yes' } } }
      const written = await clone.client.patch(type, { name, ...at }, body, { type: 'merge' })
      expect(written.metadata.labels, `${type.plural}/${name}`).toMatchObject({ touched: 'yes' })
    }
  })

  test('are read whole by an API server, kind by kind; what is missing is named', async () => {
    const stored = await countsOf(etcd)
    const seen = await drill(clone.client, stored, signal)
    expect(seen).toMatchObject({ secrets: 43, problems: [] })
    expect(seen.objects).toBeGreaterThan(100)
    expect(seen.kinds).toBeGreaterThan(40)
    const more = { ...stored, configmaps: (stored['configmaps'] ?? 0) + 1, 'example.com/widgets': 7 }
    const { problems } = await drill(clone.client, more, signal)
    expect(problems).toEqual([
      expect.stringMatching(/^configmaps: \d+ of \d+ objects are listed$/),
      'widgets.example.com: 1 of 7 objects are listed',
    ])
  })

  test('with a key that is not theirs are refused, and nothing says what is in them', async () => {
    const wrong = { slices: undefined, keys: { source: randomBytes(32), own: randomBytes(32) } }
    const error = await remap(etcd, wrong).catch((reason: Error & { code?: string }) => reason)
    expect(error).toMatchObject({
      code: 'SNAPSHOT_UNREADABLE',
      message: expect.stringContaining('cannot be decrypted') as string,
    })
  })
})
