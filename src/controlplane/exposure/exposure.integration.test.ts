import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { parseKubeconfig } from '../../kube/kubeconfig.ts'
import { controlPlaneNamespace } from '../../tenancy/names.ts'
import { startPlaneWorld } from '../../testing/plane-world.ts'
import { exposedService } from '../names.ts'
import { refOf } from '../observe.ts'

const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, drive, inventory, shown, setNodes } = world
const type = resourceTypes.tenantControlPlanes
const podIP = '10.130.0.9'
const nodeIP = '10.124.0.11'

let tenant: TenantControlPlane
let namespace: string
let own: string
const ref = () => ({ name: tenant.metadata.name ?? '', namespace: 'home' })
const change = (spec: object) => kube.patch(type, ref(), { spec }, { type: 'merge' })
const expose = (exposure: object | null) => change({ apiServer: { exposure } })
const service = () => kube.get<KubeObject>(resourceTypes.services, { name: exposedService, namespace })
const published = async (): Promise<string> => {
  const secret = await kube.get(resourceTypes.secrets, { name: `${tenant.metadata.name}-kubeconfig`, namespace: 'home' })
  return parseKubeconfig(Buffer.from(secret?.data.value, 'base64').toString()).server
}
const status = async () => (await read(tenant))?.status
const conditionOf = async (name: string) => (await status())?.conditions?.find((each) => each.type === name)
const names = async (): Promise<string> => {
  const secret = await kube.get(resourceTypes.secrets, { name: 'kube-apiserver-keys', namespace })
  return new X509Certificate(Buffer.from(secret?.data['serving.crt'], 'base64')).subjectAltName ?? ''
}
/** Stands for the quota controller of super. */
const countQuota = async () => {
  const at = { name: 'control-plane', namespace }
  const quota = await kube.get<KubeObject>(resourceTypes.resourceQuotas, at)
  const used = Object.fromEntries(Object.keys(quota?.['spec'].hard).map((name) => [name, '0']))
  const body = { status: { hard: quota?.['spec'].hard, used } }
  await kube.patch(resourceTypes.resourceQuotas, at, body, { type: 'merge', subresource: 'status' })
}
/** Rounds of the manager with what super would do in between. */
const rounds = async (count: number) => {
  for (let round = 0; round < count; round += 1) {
    await reconcile(tenant)
    await countQuota()
  }
}
const workloads = async () => (await inventory(tenant)).filter((line) => /^(Deployment|StatefulSet)/.test(line))
const isQuiet = async () => {
  const idle = aProcess()
  await reconcile(tenant, idle)
  await reconcile(tenant, idle)
  return idle.writes()
}

beforeAll(async () => {
  setNodes([
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'one' },
      status: { addresses: [{ type: 'InternalIP', address: nodeIP }], conditions: [{ type: 'Ready', status: 'True' }] },
    },
  ])
  tenant = await drive(await createTenant())
  namespace = controlPlaneNamespace(refOf(tenant))
  const body = { status: { podIP, podIPs: [{ ip: podIP }] } }
  const pod = { name: 'kube-apiserver', namespace }
  await kube.patch(resourceTypes.pods, pod, body, { type: 'merge', subresource: 'status' })
  await rounds(2)
  own = await published()
  shown.set(podIP, [])
})
afterAll(() => world.stop())

/** In order: each test begins where the one before it ended. */
describe('a tenant with another way in', () => {
  test('has no word of it without a wish', async () => {
    expect(own).toMatch(/^https:\/\/10\.\d+\.\d+\.1:443$/)
    expect(await conditionOf('Exposed')).toBeUndefined()
    expect((await status())?.endpoint).toBe(own)
    expect(await service()).toBeUndefined()
  })

  test('by a node port: the quota first, then the Service, then the certificate, and only then the kubeconfig', async () => {
    await expose({ type: 'NodePort' })
    await reconcile(tenant)
    expect(await service()).toBeUndefined()
    const quota = await kube.get<KubeObject>(resourceTypes.resourceQuotas, { name: 'control-plane', namespace })
    expect(quota?.['spec'].hard).toMatchObject({ 'services.nodeports': '1', 'services.loadbalancers': '0' })
    await countQuota()
    await rounds(2)
    expect((await service())?.['spec']).toMatchObject({ type: 'NodePort', ports: [{ port: 443, targetPort: 6443 }] })
    expect(await names()).toContain(nodeIP)
    expect(await conditionOf('Exposed')).toMatchObject({ status: 'False', reason: 'WaitsForCertificate' })
    expect((await conditionOf('Exposed'))?.message).toContain(nodeIP)
    expect(await conditionOf('Ready')).toMatchObject({ status: 'True' })
    expect([await published(), (await status())?.endpoint]).toEqual([own, own])

    shown.set(podIP, [nodeIP])
    await rounds(2)
    const server = `https://${nodeIP}:${(await service())?.['spec'].ports[0].nodePort}`
    expect([await published(), (await status())?.endpoint]).toEqual([server, server])
    expect(await conditionOf('Exposed')).toMatchObject({ status: 'True', message: `the kubeconfig names ${server}` })
    expect(await workloads()).toEqual([
      'Deployment/kube-apiserver generation 1',
      'Deployment/kube-controller-manager generation 1',
      'StatefulSet/etcd generation 1',
    ])
    expect(await isQuiet()).toEqual([])
  })

  test('by a name alone: the old way stays until the certificate has the new name, and goes then', async () => {
    const before = await published()
    await expose({ type: null, hostname: 'acme.example.com' })
    await rounds(2)
    expect(await names()).toMatch(/acme\.example\.com/)
    expect(await names()).toContain(nodeIP)
    expect(await published()).toBe(before)
    expect(await service()).toBeDefined()

    shown.set(podIP, [nodeIP, 'acme.example.com'])
    await rounds(2)
    expect(await published()).toBe('https://acme.example.com:443')
    expect(await service()).toBeUndefined()
    expect(await names()).not.toContain(nodeIP)
    const quota = await kube.get<KubeObject>(resourceTypes.resourceQuotas, { name: 'control-plane', namespace })
    expect(quota?.['spec'].hard).toMatchObject({ 'services.nodeports': '0' })
    expect(await isQuiet()).toEqual([])
  })

  test('by a load balancer: what was published stays until there is an address', async () => {
    await expose({
      hostname: null,
      type: 'LoadBalancer',
      loadBalancerClass: 'example.com/a',
      annotations: { 'example.com/x': 'y' },
    })
    await rounds(3)
    expect(await conditionOf('Exposed')).toMatchObject({ status: 'False', reason: 'NoAddress' })
    expect(await published()).toBe('https://acme.example.com:443')
    const made = await service()
    expect(made?.metadata.annotations).toMatchObject({ 'example.com/x': 'y' })

    await expose({ loadBalancerClass: 'example.com/b' })
    await rounds(3)
    expect((await service())?.['spec'].loadBalancerClass).toBe('example.com/b')
    expect((await service())?.metadata.uid).not.toBe(made?.metadata.uid)

    shown.set(podIP, ['203.0.113.7'])
    const loadBalancer = { ingress: [{ ip: '203.0.113.7' }] }
    const at = { name: exposedService, namespace }
    await kube.patch(resourceTypes.services, at, { status: { loadBalancer } }, { type: 'merge', subresource: 'status' })
    await rounds(2)
    expect(await published()).toBe('https://203.0.113.7:443')
    expect(await isQuiet()).toEqual([])
  })

  test('back to its slice: at once, and nothing of it is left', async () => {
    await expose(null)
    await rounds(2)
    expect(await published()).toBe(own)
    expect(await service()).toBeUndefined()
    expect(await names()).not.toContain('203.0.113.7')
    expect(await conditionOf('Exposed')).toBeUndefined()
    expect(await isQuiet()).toEqual([])
  })

  test('is told of what super refuses, and goes on', async () => {
    await kube.create(resourceTypes.services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'taken', namespace: 'home' },
      spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30_077 }] },
    })
    await expose({ type: 'NodePort', nodePort: 30_077 })
    await rounds(3)
    expect(await conditionOf('Exposed')).toMatchObject({ status: 'False', reason: 'ServiceRefused' })
    expect((await conditionOf('Exposed'))?.message).toMatch(/30077.*already allocated/)
    expect(await conditionOf('Ready')).toMatchObject({ status: 'True' })
    expect(await published()).toBe(own)
  })
})

describe('a manager that is killed in the middle of a change', () => {
  test('at any third call goes on to the same end', { timeout: 200_000 }, async () => {
    shown.set(podIP, [nodeIP])
    const whole = aProcess()
    await expose({ type: 'NodePort', nodePort: 30_078 })
    for (let round = 0; round < 4; round += 1) {
      await reconcile(tenant, whole)
      await countQuota()
    }
    await rounds(1)
    const wanted = [await published(), ...(await inventory(tenant))]
    expect(wanted[0]).toBe(`https://${nodeIP}:30078`)
    for (let call = 1; call <= whole.calls(); call += 3) {
      await expose(null)
      await rounds(2)
      expect(await published()).toBe(own)
      await expose({ type: 'NodePort', nodePort: 30_078 })
      const killed = aProcess({ call, carriedOut: call % 2 === 0 })
      for (let round = 0; round < 4; round += 1) {
        await reconcile(tenant, killed).catch(() => {})
        await countQuota()
      }
      await rounds(4)
      const message = `cut off at call ${call}`
      expect([await published(), ...(await inventory(tenant))].map(withoutGeneration), message).toEqual(
        wanted.map(withoutGeneration),
      )
    }
    expect(await workloads()).toEqual([
      'Deployment/kube-apiserver generation 1',
      'Deployment/kube-controller-manager generation 1',
      'StatefulSet/etcd generation 1',
    ])
  })
})
/** That of the quota counts how often it was changed. */
const withoutGeneration = (line: string): string => (line.startsWith('ResourceQuota') ? line.replace(/ generation.*/, '') : line)

test('a certificate of either authority is a proof while both are trusted', async () => {
  await change({ certificates: { authorities: { generation: 2 } } })
  await rounds(2)
  await expose({ hostname: 'rotating.example.com' })
  const asked: string[] = []
  const process = aProcess()
  const showsName = async ({ ca }: { readonly ca: string }) => {
    asked.push(ca)
    return false
  }
  await reconcile(tenant, { ...process, deps: { ...process.deps, showsName } })
  const authority = await kube.get(resourceTypes.secrets, { name: 'cluster-ca', namespace })
  const [old, next] = ['tls.crt', 'next.crt'].map((key) =>
    Buffer.from(authority?.data[key] ?? '', 'base64')
      .toString()
      .trim(),
  )
  expect(next).toContain('CERTIFICATE')
  expect(asked.length).toBeGreaterThan(0)
  for (const ca of asked) expect([ca.includes(old ?? '-'), ca.includes(next ?? '-')]).toEqual([true, true])
})
