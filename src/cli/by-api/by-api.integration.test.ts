import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { kubeconfigText } from '../../testing/api-server.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../../testing/api-world.ts'
import { eventually } from '../../testing/eventually.ts'
import type { CliHost } from '../host.ts'
import { runCli } from '../program.ts'

let world: ApiWorld
let api: ApiProcess
let folder: string
let url: string
let org: string
let key: string
let count = 0

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-api-'))
}, 300_000)
afterAll(async () => {
  await world?.stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  count += 1
  org = `org-${count}`
  await api.ask('POST', '/v1/organizations', { body: { name: org } })
  key = await world.makeKey({ organization: org })
})

interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs one command line that knows the API by its environment, and no cluster. */
const berth = async (args: readonly string[], env: Record<string, string> = {}): Promise<Run> => {
  const out: string[] = []
  const err: string[] = []
  const nobodyAsks = async () => Promise.reject(new Error('nobody asks'))
  const host: CliHost = {
    env: { HOME: folder, BERTH_API: url, BERTH_API_KEY: key, ...env },
    stdin: Readable.from([]),
    stdout: { write: (text) => void out.push(text) },
    stderr: { write: (text) => void err.push(text) },
    signal: AbortSignal.timeout(50_000),
    now: Date.now,
    explainChange: nobodyAsks,
    diagnose: nobodyAsks,
    verify: nobodyAsks,
    explainObject: nobodyAsks,
  }
  const code = await runCli(args, host, { version: '1' })
  return { code, out: out.join(''), err: err.join('') }
}

const plane = (name: string) => world.kube.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, { name, namespace: org })
const condition = (type: string, reason = 'Test') => ({
  type,
  status: 'True',
  reason,
  message: 'as the test says',
  lastTransitionTime: '2026-11-22T12:00:00Z',
})
/** Says, as the manager would, that a tenant is as its spec asks: whenever that is there. */
const whenAsked = async (name: string, isAsked: (seen: TenantControlPlane) => boolean, status: object): Promise<void> => {
  const seen = await eventually(async () => {
    const found = await plane(name)
    return found && isAsked(found) ? found : undefined
  })
  await world.setStatus(org, name, { observedGeneration: seen.metadata.generation, ...status })
}
const created = async (name: string, ...more: readonly string[]): Promise<void> => {
  expect(await berth(['tenant', 'create', name, ...more])).toMatchObject({ code: 0 })
  await eventually(() => api.caches.tenants(org).some(({ metadata }) => metadata.name === name))
}

describe('berth tenant by the API', () => {
  test('makes a tenant from flags and a file, and waits until it can be used', async () => {
    const file = join(folder, 'shop.yaml')
    const object = {
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantControlPlane',
      metadata: { labels: { team: 'a' } },
      spec: { size: 'small' },
    }
    await writeFile(file, JSON.stringify(object))
    const manager = whenAsked('shop', () => true, { conditions: [condition('Ready')], timings: { Ready: 9 } })
    const args = [
      'tenant',
      'create',
      'shop',
      '-f',
      file,
      '--size',
      'medium',
      '--set',
      'apiServer.replicas=2',
      '--wait',
      '-o',
      'json',
    ]
    const { code, out, err } = await berth(args)
    await manager
    expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(/^tenant shop is created\n(tenant shop: .+\n)+$/) })
    expect(JSON.parse(out)).toMatchObject({
      kind: 'TenantControlPlane',
      metadata: { name: 'shop', namespace: org, labels: { team: 'a' } },
    })
    expect((await plane('shop'))?.spec).toMatchObject({ size: 'medium', apiServer: { replicas: 2 } })
  })

  test('lists and shows in every format', async () => {
    await created('shop')
    await created('blog', '--set', 'size=large')
    const table = await berth(['tenant', 'list'])
    expect(table.out).toMatch(/^NAME +VERSION +ENDPOINT +READY +AGE\nblog .*\nshop .*\n$/)
    expect((await berth(['tenant', 'list', '-o', 'wide'])).out).toMatch(/blog .* large /)
    expect((await berth(['tenant', 'list', '-o', 'name'])).out).toBe(
      'tenantcontrolplane.berth.dev/blog\ntenantcontrolplane.berth.dev/shop\n',
    )
    expect(parse((await berth(['tenant', 'list', '-o', 'yaml'])).out)).toMatchObject({ kind: 'List', items: [{}, {}] })
    const shown = await berth(['tenant', 'get', 'shop'])
    expect(shown).toMatchObject({ code: 0, out: expect.stringContaining(org), err: 'the tenant is not ready\n' })
    const all = await berth(['tenant', 'list', '-A'], { BERTH_API_KEY: world.platformKey })
    expect(all.out).toContain('NAMESPACE')
  })

  test('pauses, hibernates, resumes and upgrades, and says what it waits for', async () => {
    await created('shop', '--version', 'v1.36.3')
    for (const [verb, state] of [
      ['pause', 'Paused'],
      ['hibernate', 'Hibernated'],
    ] as const) {
      const manager = whenAsked('shop', ({ spec }) => spec.state === state, { conditions: [condition('Paused', state)] })
      expect(await berth(['tenant', verb, 'shop'])).toMatchObject({ code: 0, err: expect.stringContaining('tenant shop: ') })
      await manager
    }
    expect(await berth(['tenant', 'resume', 'shop', '--timeout', '0'])).toEqual({ code: 0, out: '', err: '' })
    expect((await plane('shop'))?.spec.state).toBe('Running')
    const late = await berth(['tenant', 'upgrade', 'shop', 'v1.37.1', '--timeout', '1'])
    expect(late).toMatchObject({ code: 4, err: expect.stringContaining('is not done after 1 s') })
    expect((await plane('shop'))?.spec.version).toBe('v1.37.1')
  })

  test('deletes what it was told to, and nothing where nobody can answer', async () => {
    await created('shop')
    expect(await berth(['tenant', 'delete', 'shop'])).toMatchObject({ code: 2, err: expect.stringContaining('say --yes') })
    expect(await plane('shop')).toBeDefined()
    expect(await berth(['tenant', 'delete', 'shop', '--yes', '--wait'])).toMatchObject({ code: 0 })
    expect(await plane('shop')).toBeUndefined()
    expect(await berth(['tenant', 'delete', 'shop', '--yes'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('no tenant'),
    })
  })

  test('gives a kubeconfig that ends, and one for a command that is revoked after it', async () => {
    await created('shop')
    // The API server of management plays that of the tenant too.
    await world.kube.create(resourceTypes.secrets, {
      metadata: { name: 'shop-kubeconfig', namespace: org },
      data: { value: Buffer.from(kubeconfigText(world.api.connection)).toString('base64') },
    })
    const file = join(folder, `${org}.kubeconfig`)
    const given = await berth(['tenant', 'kubeconfig', 'shop', '--expires-in', '900', '--out', file])
    expect(given).toMatchObject({ code: 0, out: '', err: expect.stringMatching(/^it ends at 2\d{3}-/) })
    expect(parse(await readFile(file, 'utf8'))).toMatchObject({ kind: 'Config' })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const path = `/v1/organizations/${org}/tenants/shop/kubeconfigs`
    expect((await api.ask('GET', path)).body.items).toHaveLength(1)
    const script = 'test -s "$KUBECONFIG" && test "$BERTH_TENANT" = shop && exit 7'
    expect(await berth(['tenant', 'connect', 'shop', '--', 'sh', '-c', script])).toMatchObject({ code: 7 })
    expect((await api.ask('GET', path)).body.items).toHaveLength(1)
  })
})

test('berth snapshot by the API: takes one, waits for it and lists it', async () => {
  const storage = { s3: { bucket: 'backups', endpoint: 'https://s3.example.com', secretName: 's3' } }
  await created('shop', '--set', `backup.storage=${JSON.stringify(storage)}`)
  const type = resourceTypes.controlPlaneSnapshots
  const manager = (async () => {
    await eventually(() => world.kube.get(type, { name: 'first', namespace: org }))
    const status = { phase: 'Complete', sizeBytes: 3 * 2 ** 20, conditions: [condition('Complete')] }
    await world.kube.patch(type, { name: 'first', namespace: org }, { status }, { type: 'merge', subresource: 'status' })
  })()
  expect(await berth(['snapshot', 'create', 'shop', '--name', 'first'])).toMatchObject({ code: 0, out: 'first\n' })
  await manager
  const listed = await berth(['snapshot', 'list', 'shop'])
  expect(listed.out).toMatch(/^NAME +TENANT +PHASE .*\nfirst +shop +Complete +- +3\.0 MiB /)
  expect(await berth(['snapshot', 'list', 'other'])).toMatchObject({
    out: '',
    err: `there are no snapshots in organisation ${org}\n`,
  })
})

describe('berth restore and clone by the API', () => {
  const type = resourceTypes.controlPlaneSnapshots
  const storage = { s3: { bucket: 'backups', endpoint: 'https://s3.example.com', secretName: 's3' } }
  /** Says of each snapshot, as the manager would, how it ended. */
  const snapshotEnds = async (isMeant: (name: string) => boolean, phase: 'Complete' | 'Failed'): Promise<void> => {
    const { metadata } = await eventually(async () => {
      const { items } = await world.kube.list(type, { namespace: org })
      return items.find((item) => isMeant(item.metadata.name ?? ''))
    })
    const status = { phase, version: 'v1.36.3', conditions: [{ ...condition('Complete'), message: 'told so' }] }
    await world.kube.patch(
      type,
      { name: metadata.name ?? '', namespace: org },
      { status },
      { type: 'merge', subresource: 'status' },
    )
  }
  const saved = async (): Promise<void> => {
    await created('shop', '--size', 'medium', '--set', `backup.storage=${JSON.stringify(storage)}`)
    const manager = snapshotEnds(() => true, 'Complete')
    expect(await berth(['snapshot', 'create', 'shop', '--name', 'first'])).toMatchObject({ code: 0 })
    await manager
  }
  const restore = { id: 'r1', request: 'q1', snapshotName: 'first', startedAt: '2026-11-22T12:00:00Z' }
  const done = { restore: { ...restore, phase: 'Done', message: 'restored' } }

  test('saves what there is first, then restores and waits for it', async () => {
    await saved()
    const others = snapshotEnds((name) => name !== 'first', 'Complete')
    const manager = whenAsked('shop', ({ spec }) => spec.restore?.snapshotName === 'first', done)
    const { code, err } = await berth(['restore', 'shop', 'first', '--identity-secret', 'age'])
    await Promise.all([others, manager])
    expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(/^snapshot .+\n[^]*tenant shop: .*restored\n$/) })
    expect((await plane('shop'))?.spec.restore).toMatchObject({ snapshotName: 'first', identitySecretName: 'age' })
  })

  test('restores nothing when what there is cannot be saved, unless told to', async () => {
    await saved()
    const others = snapshotEnds((name) => name !== 'first', 'Failed')
    const refused = await berth(['restore', 'shop', 'first'])
    await others
    expect(refused).toMatchObject({ code: 4, err: expect.stringContaining('nothing was restored; --no-save-first') })
    expect((await plane('shop'))?.spec.restore).toBeUndefined()
    expect(await berth(['restore', 'shop', 'first', '--no-save-first', '--timeout', '0'])).toMatchObject({ code: 0 })
    expect((await plane('shop'))?.spec.restore).toMatchObject({ snapshotName: 'first' })
    expect(await berth(['restore', 'shop', 'none', '--no-save-first'])).toMatchObject({ code: 3 })
  })

  test('clones by the plan of the one that was saved, and without it when that is gone', async () => {
    await saved()
    const manager = whenAsked('copy', () => true, { conditions: [condition('Ready')], timings: { Ready: 9 } })
    expect(await berth(['clone', 'first', 'copy'])).toMatchObject({ code: 0 })
    await manager
    expect((await plane('copy'))?.spec).toMatchObject({
      size: 'medium',
      version: 'v1.36.3',
      cloneFrom: { snapshotName: 'first' },
    })
    await world.kube.delete(resourceTypes.tenantControlPlanes, { name: 'shop', namespace: org })
    await eventually(async () => (await plane('shop')) === undefined)
    await eventually(() => !api.caches.tenants(org).some(({ metadata }) => metadata.name === 'shop'))
    expect(await berth(['clone', 'first', 'late', '--timeout', '0'])).toMatchObject({ code: 0 })
    const late = (await plane('late'))?.spec
    expect(late).toMatchObject({ version: 'v1.36.3', cloneFrom: { snapshotName: 'first' } })
    expect(late?.size).toBeUndefined()
    expect(await berth(['clone', 'none', 'other'])).toMatchObject({ code: 3 })
  })
})

describe('what is wrong', () => {
  test.for<[name: string, args: readonly string[], env: Record<string, string>, code: number, text: RegExp]>([
    ['no such tenant', ['tenant', 'get', 'none'], {}, 3, /has no tenant "none" \(request /],
    ['an organisation that is not there', ['tenant', 'list', '--organization', 'none'], {}, 3, /no organisation/],
    ['wrong fields, each told', ['tenant', 'create', 'shop', '--size', 'huge'], {}, 4, /\n {2}\/spec\/size: /],
    [
      'an unknown key',
      ['tenant', 'list'],
      { BERTH_API_KEY: `berth_${'0'.repeat(16)}_${'s'.repeat(43)}` },
      4,
      /does not take the API key/,
    ],
    ['no key', ['tenant', 'list'], { BERTH_API_KEY: '' }, 2, /the API needs a key/],
    ['a key that is none', ['tenant', 'list'], { BERTH_API_KEY: 'sssss\nx' }, 2, /the API key is none/],
    ['no such file', ['tenant', 'list', '--key-file', '/nowhere'], {}, 2, /cannot read \/nowhere/],
    ['no address', ['tenant', 'list', '--api', 'here'], {}, 2, /is to begin with https/],
    ['nobody there', ['tenant', 'list', '--api', 'http://127.0.0.1:1', '--organization', 'a'], {}, 4, /cannot be reached/],
    ['the API and a cluster', ['tenant', 'list', '--api', 'http://a', '--context', 'c'], {}, 2, /one is needed/],
    ['two organisations', ['tenant', 'list', '-n', 'a', '--organization', 'b'], {}, 2, /they are the same/],
    ['what needs the cluster', ['certs', 'list', 'shop'], {}, 2, /needs the management cluster/],
    [
      'an option that needs the cluster',
      ['tenant', 'create', 'shop', '--dry-run'],
      {},
      2,
      /--dry-run needs the management cluster/,
    ],
    ['a key for no API', ['tenant', 'list', '--key', 'sssss'], { BERTH_API: '' }, 2, /are for the API/],
  ])('%s', async ([, args, env, code, text]) => {
    const result = await berth(args, env)
    expect(result.err).toMatch(text)
    expect(result.code).toBe(code)
    for (const secret of ['sssss', key]) expect(`${result.out}${result.err}`).not.toContain(secret)
  })

  test('a platform key is asked which organisation, and a file may hold the key', async () => {
    const many = await berth(['tenant', 'list'], { BERTH_API_KEY: world.platformKey })
    expect(many).toMatchObject(count > 1 ? { code: 2, err: expect.stringContaining('say which organisation') } : { code: 0 })
    const file = join(folder, 'key')
    await writeFile(file, `${world.platformKey}\n`)
    const listed = await berth(['tenant', 'list', '--api', url, '--key-file', file, '-n', org], {
      BERTH_API: '',
      BERTH_API_KEY: '',
    })
    expect(listed).toMatchObject({ code: 0, err: expect.stringContaining(`no tenants in organisation ${org}`) })
  })
})

test('names of tenants are completed', async () => {
  await created('shop')
  expect((await berth(['__complete', 'tenant', 'get', 's'])).out).toContain('shop')
})
