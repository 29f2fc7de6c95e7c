import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getJson, listJson, superKubectl, world } from './support/kubectl.ts'
import { deleteTenants, type TenantStatus, tenantsNamespace } from './support/tenant.ts'
import { type Reader, readTutorial } from './support/tutorial.ts'

// docs/tutorial.md, pasted block by block.
const parts = ['1. Order a cluster', '2. Hand over the key', '3. Be the tenant', '4. Look from below', '5. Take it away'] as const

describe('the tutorial', () => {
  let reader: Reader
  let dir: string
  let uid: string

  beforeAll(async () => {
    await deleteTenants('blue')
    dir = join(world().dir, 'tutorial')
    await mkdir(dir)
    reader = await readTutorial({ dir, kubectl: world().kubectl, superKubeconfig: world().superKubeconfig })
  })
  afterAll(() => deleteTenants('blue'))

  test('has no part that is not played here', () => expect(reader.headings).toEqual(parts))

  test('orders a cluster, and sees what it is made of', async () => {
    const [created = '', pods = ''] = await reader.play(parts[0])
    // What takes no time is not seen; the events below have each part.
    for (const what of [/ of 7: /, /etcd|API server|DNS/, /kubeconfig was answered/]) expect(created).toMatch(what)
    for (const pod of ['etcd', 'kube-apiserver', 'kube-controller-manager']) expect(pods).toMatch(new RegExp(`${pod}.* Running`))
    const { metadata } = await getJson(superKubectl, ['tcp', 'blue', '-n', tenantsNamespace])
    uid = metadata.uid
    const described = await superKubectl(['describe', 'tcp', 'blue', '-n', tenantsNamespace])
    const events = described.slice(described.indexOf('\nEvents:'))
    for (const condition of [
      'CertificatesReady',
      'DataStoreReady',
      'APIServerReady',
      'ControllerManagerReady',
      'DNSReady',
      'SyncReady',
      'Ready',
    ])
      expect(events).toMatch(new RegExp(`Normal +${condition} `))
  })

  test('hands over a key that only its owner can read', async () => {
    await reader.play(parts[1])
    const path = join(dir, 'blue.kubeconfig')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const { data = {} } = await getJson(superKubectl, ['secret', 'blue-kubeconfig', '-n', tenantsNamespace])
    expect(Buffer.from(data['kubeconfig'] ?? '', 'base64').toString()).toBe(await readFile(path, 'utf8'))
  })

  test('uses the cluster as its tenant', async () => {
    const { status } = await getJson<{ status: TenantStatus }>(superKubectl, ['tcp', 'blue', '-n', tenantsNamespace])
    const [deployed = '', used = '', shell = '', forwarded = '', inside = ''] = await reader.play(parts[2])
    expect(world().nodes.some(({ name }) => deployed.includes(name))).toBe(true)
    expect(deployed).toMatch(/web-data +Bound/)
    expect(used).toContain('Hello from a cluster of your own')
    expect(used).toContain('deployment.apps/web scaled')
    expect(shell).toMatch(/^web-[a-z0-9]+-[a-z0-9]+/m)
    expect(forwarded).toMatch(/^web-/)
    const first = status.serviceSlice.replace(/\.\d+\/\d+$/, '.1')
    expect(inside).toContain(`KUBERNETES_SERVICE_HOST=${first}`)
    expect(inside).toContain('search shop.svc.cluster.local svc.cluster.local cluster.local')
    expect(inside).not.toContain('blue-shop-')
  })

  test('finds it again from below, equal on both sides', async () => {
    const [below = ''] = await reader.play(parts[3])
    expect(below).toMatch(/^blue-shop-\S+ +customer /m)
    expect(below).toMatch(/^blue-shop-\S+ +web-/m)
    expect(below).toContain('services/shop/web')
  })

  test('takes it away, and nothing is left', async () => {
    const [told = ''] = await reader.play(parts[4])
    expect(told).toContain('Type the name of the tenant')
    expect(await superKubectl(['get', 'tcp', 'blue', '-n', tenantsNamespace, '--ignore-not-found'])).toBe('')
    for (const label of ['berth.dev/tenant', 'berth.dev/control-plane'])
      expect(await listJson(superKubectl, ['namespaces,persistentvolumes', '-l', `${label}=${uid}`])).toEqual([])
    expect(await superKubectl(['get', 'secret', 'blue-kubeconfig', '-n', tenantsNamespace, '--ignore-not-found'])).toBe('')
  })
})
