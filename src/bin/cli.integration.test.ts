import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { createEngine, type Engine } from '../syncer/engine.ts'
import { createSyncerMetrics } from '../syncer/metrics.ts'
import { resumeSyncAnnotation } from '../tenancy/marks.ts'
import { superNamespace } from '../tenancy/names.ts'
import { kubeconfigText } from '../testing/api-server.ts'
import { aConfigMap, aNamespace, aPod, aSecret, aService } from '../testing/builders.ts'
import { eventually } from '../testing/eventually.ts'
import { type SyncClusters, type SyncTenant, startSyncClusters } from '../testing/sync-clusters.ts'

// The program as people run it, against real API servers on both sides and a syncer that has done its work and then stopped.
const log = pino({ level: 'silent' })
const { pods, services, configMaps, secrets, namespaces, roleBindings, tenantControlPlanes } = resourceTypes
const program = join(import.meta.dirname, 'cli.ts')

let clusters: SyncClusters
let acme: SyncTenant
let folder: string
let below: string

const berth = (...args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: clusters.superApi.kubeconfigPath, NO_COLOR: '1' }
    execFile(process.execPath, [program, ...args], { env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err })
    })
  })
const verify = (...args: readonly string[]) => berth('verify', 'acme', '-n', 'tenants', '--every', '0.2', ...args)

const startEngine = async (clients: KubeClient[]): Promise<Engine> => {
  const superClient = createKubeClient(clusters.syncerConnection, { userAgent: 'berth-syncer' })
  clients.push(superClient)
  const engine = createEngine({
    management: superClient,
    superClient,
    log,
    metrics: createSyncerMetrics(new Registry()),
    holder: 'test',
    owns: () => true,
    connect: (kubeconfig) => {
      const client = createKubeClient(parseKubeconfig(kubeconfig), { userAgent: 'berth-syncer' })
      clients.push(client)
      return client
    },
  })
  await engine.start()
  return engine
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-'))
  clusters = await startSyncClusters(['acme'], { log })
  acme = clusters.tenants[0] as SyncTenant
  below = superNamespace(acme.ref, 'shop')
  const { client } = acme.api
  const inShop = (name: string) => ({ metadata: { name, namespace: 'shop' } })
  await client.create(namespaces, aNamespace({ metadata: { name: 'shop' } }))
  await client.create(configMaps, aConfigMap(inShop('settings')))
  await client.create(secrets, aSecret(inShop('password')))
  await client.create(services, aService(inShop('web')))
  const env = [
    { name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'key' } } },
    { name: 'B', valueFrom: { secretKeyRef: { name: 'password', key: 'key' } } },
  ]
  await client.create(
    pods,
    aPod({ ...inShop('web'), spec: { containers: [{ name: 'main', image: 'registry.example/web:1', env }] } }),
  )
  await clusters.superApi.client.create(secrets, {
    metadata: { name: 'acme-kubeconfig', namespace: 'tenants' },
    data: { value: Buffer.from(kubeconfigText(acme.api.connection)).toString('base64') },
  })
  const clients: KubeClient[] = []
  const engine = await startEngine(clients)
  await eventually(async () => (await client.get(pods, { name: 'web', namespace: 'shop' }))?.status?.phase === 'Running', {
    deadlineMs: 60_000,
    describe: 'the running pod',
  })
  // At its own pace: what is under way a moment longer than the pauses of this file is no difference.
  const first = await verify('--settle', '60', '--every', '1')
  expect(first).toMatchObject({ code: 0, out: '' })
  await engine.stop()
  await Promise.all(clients.map((each) => each.close()))
}, 300_000)

afterAll(async () => {
  await clusters?.stop()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

/** Changes super, verifies, and puts back what was changed. */
const disturb = async (type: ResourceType, ref: { name: string; namespace: string }, body: unknown): Promise<string> => {
  const { client } = clusters.superApi
  const before = await client.get<KubeObject>(type, ref)
  if (!before) throw new Error(`super has no ${type.kind} ${ref.name}`)
  await client.patch(type, ref, body, { type: 'merge' })
  try {
    const { code, out } = await verify()
    expect(code).toBe(1)
    return out
  } finally {
    const { resourceVersion: _version, ...metadata } = before.metadata
    await client.replace(type, { ...before, metadata })
  }
}

describe('berth verify', () => {
  test('two equal sides: says so, ends with 0', async () => {
    const { code, out, err } = await verify()
    expect({ code, out }).toEqual({ code: 0, out: '' })
    expect(err).toMatch(/^tenant acme: \d+ objects compared, 1 round: both sides agree$/m)
  })

  test('a field changed in super', async () => {
    const out = await disturb(services, { name: 'web', namespace: below }, { spec: { selector: { app: 'evil' } } })
    expect(out).toMatch(/^field-in-super +services\/shop\/web +spec\.selector\.app is "evil", wanted "main"$/m)
  })

  test('the content of a Secret changed in super, whose value is not told', async () => {
    const out = await disturb(secrets, { name: 'password', namespace: below }, { data: { key: 'ZXZpbA==' } })
    expect(out).toMatch(/^field-in-super +secrets\/shop\/password +data\.key is not as wanted$/m)
    expect(out).not.toContain('ZXZpbA')
  })

  test('a content that is only in super', async () => {
    const out = await disturb(configMaps, { name: 'settings', namespace: below }, { data: { more: 'x' } })
    expect(out).toMatch(/^field-in-super +configmaps\/shop\/settings +data has more/m)
  })

  test('rights that are gone', async () => {
    const { client } = clusters.superApi
    const ref = { name: 'berth-tenant', namespace: below }
    const before = await client.get<KubeObject>(roleBindings, ref)
    await client.delete(roleBindings, ref)
    const { code, out } = await verify()
    expect(code).toBe(1)
    expect(out).toMatch(/^missing-in-super +namespaces\/shop +RoleBinding berth-tenant is missing$/m)
    if (before) await client.create(roleBindings, { ...before, metadata: { ...ref, labels: before.metadata.labels ?? {} } })
  })

  test('what the tenant made since, as json and names', async () => {
    const ref = { name: 'late', namespace: 'shop' }
    await acme.api.client.create(services, aService({ metadata: ref, spec: { ports: [{ port: 81 }] } }))
    const { code, out } = await verify('-o', 'json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      tenant: { name: 'acme' },
      differences: [{ kind: 'missing-in-super', resource: 'services', namespace: 'shop', name: 'late' }],
    })
    expect((await verify('-o', 'name')).out).toBe('services/shop/late\n')
    await acme.api.client.delete(services, ref)
    expect((await verify()).code).toBe(0)
  })

  test('a tenant that is not there', async () => {
    const { code, err } = await berth('verify', 'nobody', '-n', 'tenants')
    expect(code).toBe(3)
    expect(err).toContain('there is no TenantControlPlane nobody in namespace tenants')
  })
})

describe('berth tenant', () => {
  test('list', async () => {
    const { code, out } = await berth('tenant', 'list', '-A')
    expect(code).toBe(0)
    expect(out.split('\n')[0]).toMatch(/^NAMESPACE +NAME +VERSION +ENDPOINT +READY +AGE$/)
    expect(out).toMatch(/^tenants +acme +v1\.\d+\.\d+ +- +Unknown +\d+[smh]$/m)
    expect((await berth('tenant', 'list', '-n', 'tenants', '-o', 'name')).out).toBe('tenantcontrolplane.berth.dev/acme\n')
    const empty = await berth('tenant', 'list')
    expect(empty).toMatchObject({
      code: 0,
      out: '',
      err: 'there are no tenants in namespace default; -A shows those of all namespaces\n',
    })
  })

  test('get', async () => {
    const { out } = await berth('tenant', 'get', 'acme', '-n', 'tenants')
    expect(out).toMatch(/^APIServerReady +True +Answers/m)
    const whole = JSON.parse((await berth('tenant', 'get', 'acme', '-n', 'tenants', '-o', 'json')).out)
    expect(whole).toMatchObject({ kind: 'TenantControlPlane', metadata: { name: 'acme', uid: acme.ref.uid } })
    expect((await berth('tenant', 'get', 'nobody', '-n', 'tenants')).code).toBe(3)
  })

  test('kubeconfig, to a file only its owner can read', async () => {
    const printed = await berth('tenant', 'kubeconfig', 'acme', '-n', 'tenants')
    expect(parseKubeconfig(printed.out).server).toBe(acme.api.connection.server)
    const file = join(folder, 'acme.kubeconfig')
    const written = await berth('tenant', 'kubeconfig', 'acme', '-n', 'tenants', '--out', file)
    expect(written).toMatchObject({ code: 0, out: '' })
    expect(await readFile(file, 'utf8')).toBe(printed.out)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('connect runs a command as the tenant, gives its exit code and leaves nothing', async () => {
    const script = 'cat "$KUBECONFIG"; echo "path: $KUBECONFIG"; exit 7'
    const { code, out } = await berth('tenant', 'connect', 'acme', '-n', 'tenants', '--', 'sh', '-c', script)
    expect(code).toBe(7)
    expect(out).toContain(acme.api.connection.server)
    const path = /^path: (.+)$/m.exec(out)?.[1] ?? ''
    expect(path).not.toBe(clusters.superApi.kubeconfigPath)
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await berth('tenant', 'connect', 'acme', '-n', 'tenants', '--', 'no-such-command')).code).toBe(2)
  })

  test('nothing of this touches the tenant', async () => {
    const plane = await clusters.superApi.client.get(tenantControlPlanes, { name: 'acme', namespace: 'tenants' })
    expect(plane?.metadata.uid).toBe(acme.ref.uid)
  })
})

describe('berth tenant resume-sync', () => {
  const ref = { name: 'acme', namespace: 'tenants' }
  const word = async () =>
    (await clusters.superApi.client.get(tenantControlPlanes, ref))?.metadata.annotations?.[resumeSyncAnnotation]

  test('says so when nothing is frozen, and changes nothing', async () => {
    const { code, err } = await berth('tenant', 'resume-sync', 'acme', '-n', 'tenants')
    expect(err).toContain('not frozen')
    expect(code).toBe(0)
    expect(await word()).toBeUndefined()
  })

  const setConditions = (conditions: readonly object[]) =>
    clusters.superApi.client.patch(tenantControlPlanes, ref, { status: { conditions } }, { type: 'merge', subresource: 'status' })

  test('is too early for a tenant that no syncer has looked at yet, as after a restore', async () => {
    const plane = await clusters.superApi.client.get(tenantControlPlanes, ref)
    const before = (plane?.status?.conditions ?? []) as object[]
    const away = {
      type: 'SyncReady',
      status: 'False',
      reason: 'Starting',
      message: 'waits',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }
    await setConditions([...before, away])
    const { code, err } = await berth('tenant', 'resume-sync', 'acme', '-n', 'tenants', '--timeout', '0')
    expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('Say it again when a syncer serves it') })
    expect(await word()).toBeUndefined()
    const given = berth('tenant', 'resume-sync', 'acme', '-n', 'tenants')
    await setConditions([...before, { ...away, type: 'Frozen', status: 'True', reason: 'Frozen', message: 'it was restored' }])
    expect(await given).toMatchObject({ code: 0, err: expect.stringContaining('goes on') })
    const metadata = { annotations: { [resumeSyncAnnotation]: null } }
    await clusters.superApi.client.patch(tenantControlPlanes, ref, { metadata }, { type: 'merge' })
    await setConditions(before)
  })

  test('gives the word for a frozen tenant', async () => {
    const plane = await clusters.superApi.client.get(tenantControlPlanes, ref)
    const frozen = {
      type: 'Frozen',
      status: 'True',
      reason: 'Frozen',
      message: 'it vanished',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }
    const conditions = [...(plane?.status?.conditions ?? []), frozen]
    await setConditions(conditions)
    const { code, err } = await berth('tenant', 'resume-sync', 'acme', '-n', 'tenants')
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('goes on') })
    expect(Date.parse((await word()) ?? '')).not.toBeNaN()
  })

  test('does not know a tenant that is not there', async () => {
    expect((await berth('tenant', 'resume-sync', 'nobody', '-n', 'tenants')).code).toBe(3)
  })
})

describe('berth tenant pause and resume', () => {
  const at = { name: 'acme', namespace: 'tenants' }
  const superOf = () => clusters.superApi.client
  const read = () => superOf().get<KubeObject>(tenantControlPlanes, at)
  /** What the manager would say. */
  const say = async (type: string, status: string, message: string, reason = 'R'): Promise<void> => {
    const plane = await read()
    const others = (plane?.['status'].conditions ?? []).filter((each: { type: string }) => each.type !== type)
    const condition = { type, status, reason, message, lastTransitionTime: new Date().toISOString() }
    const body = { status: { observedGeneration: plane?.metadata.generation, conditions: [...others, condition] } }
    await superOf().patch(tenantControlPlanes, at, body, { subresource: 'status' })
  }
  const until = (state: string) =>
    eventually(async () => (await read())?.['spec'].state === state, { describe: `the state ${state}` })

  test('pause sets the state, waits, and tells what it waits for', async () => {
    const paused = berth('tenant', 'pause', 'acme', '-n', 'tenants', '--timeout', '30')
    await until('Paused')
    await say('Ready', 'False', 'controller manager: waits for 1 pod')
    await say('Paused', 'True', 'the control plane is at zero', 'Paused')
    const { code, err } = await paused
    expect(err).toMatch(/tenant acme: the control plane is at zero/)
    expect(code).toBe(0)
    expect((await berth('tenant', 'list', '-n', 'tenants')).out).toMatch(/^acme .* Paused /m)
  })

  test('hibernate does so too', async () => {
    const asleep = berth('tenant', 'hibernate', 'acme', '-n', 'tenants', '--timeout', '30')
    await until('Hibernated')
    await say('Ready', 'False', 'syncer: the tenant goes to sleep')
    await say('Paused', 'True', 'all at zero', 'Hibernated')
    expect(await asleep).toMatchObject({ code: 0, err: expect.stringContaining('tenant acme: all at zero') })
    expect((await berth('tenant', 'list', '-n', 'tenants')).out).toMatch(/^acme .* Hibernated /m)
  })

  test('resume does so too; one that does not come in time is told with what is known', async () => {
    const { code, err } = await berth('tenant', 'resume', 'acme', '-n', 'tenants', '--timeout', '1')
    expect((await read())?.['spec'].state).toBe('Running')
    expect(err).toMatch(/tenant acme is not Running after 1 s: .*It goes on by itself/)
    expect(code).toBe(4)
    expect((await berth('tenant', 'resume', 'acme', '-n', 'tenants', '--timeout', '0')).code).toBe(0)
  })

  test('a refusal is told', async () => {
    const paused = berth('tenant', 'pause', 'acme', '-n', 'tenants')
    await until('Paused')
    await say('Paused', 'False', 'not paused: its data would be lost', 'DataWouldBeLost')
    expect(await paused).toMatchObject({ code: 4, err: expect.stringContaining('its data would be lost') })
    expect((await berth('tenant', 'pause', 'nobody', '-n', 'tenants')).code).toBe(3)
  })
})
