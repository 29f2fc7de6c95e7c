import { X509Certificate } from 'node:crypto'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { agentRecordRef } from '../tenancy/agent-record.ts'
import { controlPlaneNamespace, kubeconfigSecretName } from '../tenancy/names.ts'
import type { Fault } from '../testing/failing-client.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { refOf } from './observe.ts'
import { keyIdOf } from './steps/rotation-facts.ts'

const world = await startPlaneWorld()
const { kube, aProcess, createTenant, read, reconcile, playCluster, drive } = world
afterAll(() => world.stop())
afterEach(() => world.clearDns())

type Process = ReturnType<typeof aProcess>
const minute = 60_000

const secretOf = async (tenant: TenantControlPlane, name: string): Promise<Record<string, string>> => {
  const object = await kube.get(resourceTypes.secrets, { name, namespace: controlPlaneNamespace(refOf(tenant)) })
  const entries = Object.entries((object?.data ?? {}) as Record<string, string>)
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}
const count = (text = ''): number => text.split('-----BEGIN').length - 1
const certificatesIn = (text: string): X509Certificate[] =>
  (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) => new X509Certificate(pem))
const isBy = (leaf = '', authority = ''): boolean => new X509Certificate(leaf).verify(new X509Certificate(authority).publicKey)

const rotating = async (tenant: TenantControlPlane) =>
  (await read(tenant))?.status?.conditions?.find(({ type }) => type === 'RotatingCA')

const ask = (tenant: TenantControlPlane, certificates: object): Promise<unknown> =>
  kube.patch(
    resourceTypes.tenantControlPlanes,
    { name: tenant.metadata.name ?? '', namespace: 'home' },
    { spec: { certificates } },
    { type: 'merge' },
  )

/** Generations of the workloads, which count how often their pods were started anew. */
const rolls = async (tenant: TenantControlPlane): Promise<Record<string, number>> => {
  const namespace = controlPlaneNamespace(refOf(tenant))
  const found = await Promise.all([
    kube.get(resourceTypes.statefulSets, { name: 'etcd', namespace }),
    kube.get(resourceTypes.deployments, { name: 'kube-apiserver', namespace }),
    kube.get(resourceTypes.deployments, { name: 'kube-controller-manager', namespace }),
  ])
  return Object.fromEntries(found.map((object) => [object?.metadata.name ?? '', (object?.metadata.generation ?? 0) - 1]))
}

/** What the tenant's controller manager does: the same API server plays the tenant. */
const publishRootCa = async (tenant: TenantControlPlane): Promise<void> => {
  const { 'root-ca.crt': ca = '' } = await secretOf(tenant, 'kube-controller-manager-keys')
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kube-root-ca.crt', namespace: 'default' } }
  await kube.apply(resourceTypes.configMaps, { ...map, data: { 'ca.crt': ca } }, { fieldManager: 'played', force: true })
}

/** A process at a time of the test's choosing, whose pods serve with what their Secrets say and wrote `log`. */
const processAt = (
  tenant: TenantControlPlane,
  clock: { now: number; log?: string; served?: boolean },
  fault?: Fault,
): Process => {
  const process = aProcess(fault)
  const deps: Process['deps'] = {
    ...process.deps,
    now: () => new Date(clock.now),
    askCertificate: async ({ port }) => {
      if (clock.served === false) return undefined
      const [secret, file] = port === 6443 ? ['kube-apiserver-keys', 'serving.crt'] : ['etcd-keys', 'server.crt']
      return new X509Certificate((await secretOf(tenant, secret ?? ''))[file ?? ''] ?? '').raw
    },
    kube: {
      ...process.deps.kube,
      raw: async (path, call) =>
        path.includes('/log?') ? { status: 200, body: clock.log ?? '' } : process.deps.kube.raw(path, call),
    },
  }
  return { ...process, deps }
}

/** The addresses that a kubelet would give them. */
const giveAddresses = async (tenant: TenantControlPlane): Promise<void> => {
  const namespace = controlPlaneNamespace(refOf(tenant))
  for (const name of ['etcd', 'kube-apiserver']) {
    const status = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] }
    await kube.patch(resourceTypes.pods, { name, namespace }, { status }, { type: 'merge', subresource: 'status' })
  }
}

const until = async (tenant: TenantControlPlane, process: Process, isThere: () => Promise<boolean>): Promise<void> => {
  for (let round = 0; round < 12; round += 1) {
    await reconcile(tenant, process)
    if (await isThere()) return
    await playCluster(tenant, { now: process.deps.now() })
    await publishRootCa(tenant)
  }
  throw new Error(`not there after 12 rounds: ${JSON.stringify(await rotating(tenant))}`)
}

const auditLine = (fingerprint: string, username: string, at: number): string => {
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] }
  const time = new Date(at).toISOString()
  const event = {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    stage: 'ResponseComplete',
    user: { username, extra },
    stageTimestamp: time,
  }
  return `${time} ${JSON.stringify(event)}\n`
}

describe('a rotation of the authorities', () => {
  test('trusts both, lets the new one issue, names who is left, and cuts: two rolls of each workload', async () => {
    const tenant = await createTenant()
    await drive(tenant)
    await giveAddresses(tenant)
    const clock: { now: number; log?: string; served?: boolean } = { now: Date.now() }
    const process = processAt(tenant, clock)
    await until(tenant, process, async () => true)
    const before = await rolls(tenant)
    const rolled = async () =>
      Object.fromEntries(Object.entries(await rolls(tenant)).map(([name, times]) => [name, times - (before[name] ?? 0)]))
    const old = await secretOf(tenant, 'cluster-ca')
    const publishedOf = async () => {
      const object = await kube.get(resourceTypes.secrets, {
        name: kubeconfigSecretName(tenant.metadata.name ?? ''),
        namespace: 'home',
      })
      return parseKubeconfig(Buffer.from(object?.data.value, 'base64').toString())
    }
    const oldClient = await publishedOf()

    await ask(tenant, { authorities: { generation: 2 } })
    await until(tenant, process, async () => /pods get both as their ca.crt until/.test((await rotating(tenant))?.message ?? ''))
    const once = { etcd: 1, 'kube-apiserver': 1, 'kube-controller-manager': 1 }
    expect(await rolled()).toEqual(once)
    const both = await secretOf(tenant, 'cluster-ca')
    expect(both['tls.crt']).toBe(old['tls.crt'])
    const keys = await secretOf(tenant, 'kube-apiserver-keys')
    expect(['cluster-ca.crt', 'etcd-ca.crt', 'front-proxy-ca.crt'].map((file) => count(keys[file]))).toEqual([2, 2, 2])
    expect(keys['audit-policy.yaml']).toContain('Metadata')
    expect(count((await secretOf(tenant, 'etcd-keys'))['ca.crt'])).toBe(2)
    expect(count((await secretOf(tenant, 'kube-controller-manager-keys'))['root-ca.crt'])).toBe(3)
    expect(count((await publishedOf()).ca)).toBe(2)
    expect((await publishedOf()).clientCert).toBe(oldClient.clientCert)
    expect(isBy(keys['serving.crt'], old['tls.crt'])).toBe(true)
    const idle = processAt(tenant, clock)
    await reconcile(tenant, idle)
    await reconcile(tenant, idle)
    expect(idle.writes()).toEqual([])

    clock.now += 4 * minute
    await until(tenant, process, async () => (await rotating(tenant))?.reason === 'OldTrusted')
    const issuing = await secretOf(tenant, 'cluster-ca')
    expect([issuing['tls.crt'], issuing['tls.key']]).toEqual([both['next.crt'], both['next.key']])
    expect([issuing['old.crt'], issuing['old.key']]).toEqual([old['tls.crt'], old['tls.key']])
    const leaves = await secretOf(tenant, 'kube-apiserver-keys')
    // Who read its ca.crt long ago is served as before, until the cut is asked for.
    expect(leaves['serving.crt']).toBe(keys['serving.crt'])
    expect(isBy(leaves['etcd-client.crt'], (await secretOf(tenant, 'etcd-ca'))['tls.crt'])).toBe(true)
    expect(isBy(leaves['front-proxy-client.crt'], (await secretOf(tenant, 'front-proxy-ca'))['tls.crt'])).toBe(true)
    expect(leaves['cluster-ca.crt']).toBe(keys['cluster-ca.crt'])
    expect(isBy((await publishedOf()).clientCert, issuing['tls.crt'])).toBe(true)
    expect((await secretOf(tenant, 'kube-controller-manager-keys'))['cluster-ca.crt']).toBe(issuing['tls.crt'])
    expect(await rolled()).toEqual(once)

    const fingerprint = (pem = '') => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
    clock.now += minute
    const seenAt = clock.now
    clock.log =
      auditLine(fingerprint(oldClient.clientCert), 'alice\u001b[31m', seenAt) +
      auditLine(fingerprint((await publishedOf()).clientCert), 'berth:admin', seenAt)
    await ask(tenant, { authorities: { old: 'Cut' } })
    await until(tenant, process, async () => /alice/.test((await rotating(tenant))?.message ?? ''))
    expect(await rotating(tenant)).toMatchObject({ status: 'True', reason: 'WaitingToCut' })
    expect((await secretOf(tenant, 'kube-apiserver-keys'))['serving.crt']).toBe(keys['serving.crt'])
    expect(await rolled()).toEqual(once)
    expect((await rotating(tenant))?.message).toMatch(
      /1 client still uses the old authority: alice\\u\{1b\}\[31m \(last seen .*Z\)\. It is cut when/,
    )
    clock.now = seenAt + 9 * minute
    await playCluster(tenant, { now: process.deps.now() })
    await reconcile(tenant, process)
    expect((await secretOf(tenant, 'cluster-ca'))['old.crt']).toBe(old['tls.crt'])

    clock.now = seenAt + 11 * minute
    await playCluster(tenant, { now: process.deps.now() })
    clock.served = false
    await reconcile(tenant, process)
    expect(isBy((await secretOf(tenant, 'kube-apiserver-keys'))['serving.crt'], issuing['tls.crt'])).toBe(true)
    await reconcile(tenant, process)
    expect((await rotating(tenant))?.message).toMatch(/waits for kube-apiserver, etcd to serve with it/)
    clock.served = true
    await until(tenant, process, async () => (await rotating(tenant)) === undefined)
    expect(await rolled()).toEqual({ etcd: 2, 'kube-apiserver': 2, 'kube-controller-manager': 2 })
    const cut = await secretOf(tenant, 'kube-apiserver-keys')
    expect(cut['cluster-ca.crt']).toBe(issuing['tls.crt'])
    expect(cut['audit-policy.yaml']).toBeUndefined()
    expect((await publishedOf()).ca).toBe(issuing['tls.crt'])
    for (const name of ['cluster-ca', 'etcd-ca', 'front-proxy-ca']) {
      expect(Object.keys(await secretOf(tenant, name)).sort()).toEqual(['base-hash', 'generation', 'tls.crt', 'tls.key'])
    }
    const [authority] = certificatesIn(issuing['tls.crt'] ?? '')
    expect(authority?.subject).toBe(`CN=cluster-ca-${tenant.metadata.uid?.slice(0, 8)}-2`)
    const last = processAt(tenant, clock)
    await reconcile(tenant, last)
    await reconcile(tenant, last)
    expect(last.writes()).toEqual([])
  })
})

/** Ends a rotation that does not wait for anybody, with a process that dies at a call, and gives how often it was started anew. */
const rotateAtOnce = async (tenant: TenantControlPlane, process: Process, revive: () => Process): Promise<void> => {
  const at = { name: tenant.metadata.name ?? '', namespace: 'home' }
  const over = async (): Promise<boolean> => {
    const now = await read(tenant)
    const isCurrent = (now?.status?.observedGeneration ?? 0) >= (now?.metadata.generation ?? 0)
    return isCurrent && !now?.status?.conditions?.some(({ type }) => type === 'RotatingCA')
  }
  const both = { generation: 2, old: 'CutNow' }
  const spec = { certificates: { authorities: both, serviceAccountKeys: both } }
  await kube.patch(resourceTypes.tenantControlPlanes, at, { spec }, { type: 'merge' })
  let current = process
  for (let round = 0; round < 16; round += 1) {
    try {
      await reconcile(tenant, current)
      if (await over()) return
    } catch {
      current = revive()
    }
    await playCluster(tenant)
  }
  throw new Error(`not over after 16 rounds: ${JSON.stringify(await rotating(tenant))}`)
}

/** A pod of the roll before that a kubelet has not ended yet. */
const anEndingApiServer = async (tenant: TenantControlPlane): Promise<{ name: string; namespace: string }> => {
  const namespace = controlPlaneNamespace(refOf(tenant))
  const running = await kube.get(resourceTypes.pods, { name: 'kube-apiserver', namespace })
  const { labels, annotations } = running?.metadata ?? {}
  const metadata = { name: 'kube-apiserver-before', namespace, labels, annotations }
  const { containers, volumes, securityContext } = running?.spec ?? {}
  const spec = { nodeName: 'gone', containers, volumes, securityContext, terminationGracePeriodSeconds: 20 }
  await kube.create(resourceTypes.pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec })
  await kube.delete(resourceTypes.pods, metadata, {})
  return metadata
}

describe('keys of service-account tokens', () => {
  test('sign when all API servers know both, and are cut when Secrets and pods have none of the old one', async () => {
    const tenant = await createTenant()
    await drive(tenant)
    const clock = { now: Date.now() }
    const process = processAt(tenant, clock)
    await until(tenant, process, async () => true)
    const before = await rolls(tenant)
    const old = await secretOf(tenant, 'service-account-keys')
    await ask(tenant, { serviceAccountKeys: { generation: 2 } })
    await reconcile(tenant, process)
    const believed = await secretOf(tenant, 'kube-apiserver-keys')
    expect([count(believed['sa.pub']), believed['sa.key']]).toEqual([2, old['sa.key']])
    const record = await kube.get(resourceTypes.configMaps, agentRecordRef(tenant.metadata.uid ?? ''))
    expect(count(record?.data['sa.pub'])).toBe(2)
    const ending = await anEndingApiServer(tenant)
    for (let round = 0; round < 4; round += 1) {
      await reconcile(tenant, process)
      await playCluster(tenant, { now: process.deps.now() })
    }
    // It does not believe the new key, and signs with the old one still.
    expect(await rotating(tenant)).toMatchObject({
      reason: 'TrustingBoth',
      message: expect.stringMatching(
        /^service-account keys: tokens of generations 1 and 2 are believed; .* being rolled out with both$/,
      ),
    })
    await kube.delete(resourceTypes.pods, ending, { gracePeriodSeconds: 0 })
    await until(tenant, process, async () => (await rotating(tenant))?.reason === 'OldTrusted')
    const signs = await secretOf(tenant, 'service-account-keys')
    expect([signs['old.pub'], signs['old.key']]).toEqual([old['sa.pub'], old['sa.key']])
    expect((await secretOf(tenant, 'kube-controller-manager-keys'))['sa.key']).toBe(signs['sa.key'])

    const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: keyIdOf(old['sa.pub'] ?? '') })).toString('base64url')
    const metadata = { name: 'robot', namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'default' } }
    const legacy = { type: 'kubernetes.io/service-account-token', stringData: { token: `${header}.e30.x` } }
    await kube.create(resourceTypes.secrets, { apiVersion: 'v1', kind: 'Secret', metadata, ...legacy })
    await ask(tenant, { serviceAccountKeys: { old: 'Cut' } })
    await reconcile(tenant, process)
    expect((await rotating(tenant))?.message).toMatch(/pods renew their tokens until/)
    clock.now += 61 * minute
    await playCluster(tenant, { now: process.deps.now() })
    await reconcile(tenant, process)
    expect((await rotating(tenant))?.message).toMatch(/default\/robot\. Delete them/)
    await kube.delete(resourceTypes.secrets, { name: 'robot', namespace: 'default' })
    await until(tenant, process, async () => (await rotating(tenant)) === undefined)
    expect((await secretOf(tenant, 'kube-apiserver-keys'))['sa.pub']).toBe(signs['sa.pub'])
    const after = await rolls(tenant)
    const rolled = Object.entries(after).map(([name, times]) => [name, times - (before[name] ?? 0)])
    // What is in force is read when an API server starts: both, the new key to sign with, and it alone.
    expect(Object.fromEntries(rolled)).toEqual({ etcd: 0, 'kube-apiserver': 3, 'kube-controller-manager': 1 })
  })
})

describe('a manager', () => {
  test('that is killed at any call of a rotation goes on to the same end, with the same number of rolls', {
    timeout: 300_000,
  }, async () => {
    const whole = await createTenant()
    const clock = { now: Date.now() }
    const start = async (tenant: TenantControlPlane): Promise<void> => {
      await drive(tenant)
      await giveAddresses(tenant)
      await until(tenant, processAt(tenant, clock), async () => true)
    }
    await start(whole)
    const undisturbed = processAt(whole, clock)
    const first = await rolls(whole)
    await rotateAtOnce(whole, undisturbed, () => undisturbed)
    const wanted = Object.fromEntries(
      Object.entries(await rolls(whole)).map(([name, times]) => [name, times - (first[name] ?? 0)]),
    )
    expect(wanted).toEqual({ etcd: 2, 'kube-apiserver': 4, 'kube-controller-manager': 3 })
    const calls = undisturbed.calls()
    expect(calls).toBeGreaterThan(60)
    await world.clearDns()

    // Writes come in a row of seven at most: no row is missed.
    for (let call = 1; call <= calls; call += 7) {
      const tenant = await createTenant()
      await start(tenant)
      const before = await rolls(tenant)
      await rotateAtOnce(tenant, processAt(tenant, clock, { call, carriedOut: call % 2 === 0 }), () => processAt(tenant, clock))
      const message = `cut off at call ${call}`
      for (const name of ['cluster-ca', 'etcd-ca', 'front-proxy-ca', 'service-account-keys']) {
        const data = await secretOf(tenant, name)
        expect([data['generation'], Object.keys(data).filter((key) => /^(old|next)\./.test(key))], message).toEqual(['2', []])
      }
      const rolled = Object.entries(await rolls(tenant)).map(([name, times]) => [name, times - (before[name] ?? 0)])
      for (const [name, times] of rolled)
        expect(Number(times), `${message}: ${name}`).toBeLessThanOrEqual(wanted[name ?? ''] ?? 0)
      await world.clearDns()
    }
  })

  test('that was away until every certificate was over renews them all, and nothing else', async () => {
    const tenant = await createTenant()
    await drive(tenant)
    const clock = { now: Date.now() }
    await until(tenant, processAt(tenant, clock), async () => true)
    const before = await rolls(tenant)
    const roots = await secretOf(tenant, 'cluster-ca')
    const leaves = async () => {
      const all = await Promise.all(
        [
          'etcd-keys',
          'kube-apiserver-keys',
          'kube-controller-manager-keys',
          'admin-client',
          'syncer-kubeconfig',
          'meter-kubeconfig',
        ].map((name) => secretOf(tenant, name)),
      )
      return all.flatMap((data) =>
        Object.entries(data).flatMap(([key, pem]) =>
          data[key.replace(/crt$/, 'key')] && key.endsWith('.crt') && key !== 'cluster-ca.crt' ? [new X509Certificate(pem)] : [],
        ),
      )
    }
    clock.now += 400 * 24 * 60 * minute
    const over = await leaves()
    expect(over).toHaveLength(10)
    expect(over.filter(({ validTo }) => Date.parse(validTo) > clock.now)).toEqual([])
    await reconcile(tenant, processAt(tenant, clock))
    const renewed = await leaves()
    expect(renewed.filter(({ validTo }) => Date.parse(validTo) < clock.now)).toEqual([])
    expect(await secretOf(tenant, 'cluster-ca')).toEqual(roots)
    expect(await rolls(tenant)).toEqual(before)
  })

  test('says of an authority in its last year what to do', async () => {
    const tenant = await createTenant()
    await drive(tenant)
    const clock = { now: Date.now() + 9.5 * 365 * 24 * 60 * minute }
    await reconcile(tenant, processAt(tenant, clock))
    const condition = (await read(tenant))?.status?.conditions?.find(({ type }) => type === 'CertificatesReady')
    expect(condition).toMatchObject({ status: 'True', reason: 'AuthorityEnds' })
    expect(condition?.message).toMatch(/ends on .*: rotate with `berth certs rotate t\d+ -n home --authorities`/)
  })

  test('does not leap over generations, and says so', async () => {
    const tenant = await createTenant({ certificates: { authorities: { generation: 4 } } })
    await drive(tenant)
    expect((await secretOf(tenant, 'etcd-ca'))['generation']).toBe('4')
    await ask(tenant, { authorities: { generation: 5 } })
    await ask(tenant, { authorities: { generation: 6 } })
    await reconcile(tenant)
    expect(await rotating(tenant)).toMatchObject({ status: 'False', reason: 'RotationRefused' })
    expect((await secretOf(tenant, 'cluster-ca'))['next.crt']).toBeUndefined()
  })
})
