import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { controlPlaneSnapshotCrd } from '../apis/snapshot-crd.ts'
import { tenantClassCrd } from '../apis/tenant-class-crd.ts'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import {
  type BerthOptions,
  type BerthRun,
  type RunningBerth,
  runBerth,
  runBerthOnTerminal,
  startBerth,
} from '../testing/berth-program.ts'
import { eventually } from '../testing/eventually.ts'

// The program as people run it, against a real API server; this file says what the manager would.
const { tenantControlPlanes, tenantClasses, controlPlaneSnapshots, namespaces, persistentVolumes } = resourceTypes
const at = (name: string) => ({ name, namespace: 'tenants' })

let api: TestApiServer
let folder: string

const berth = (args: readonly string[], options: Partial<BerthOptions> = {}): Promise<BerthRun> =>
  runBerth(args, { kubeconfigPath: api.kubeconfigPath, ...options })
const tenant = (...args: readonly string[]): Promise<BerthRun> => berth(['tenant', ...args, '-n', 'tenants'])
const start = (...args: readonly string[]): RunningBerth =>
  startBerth(['tenant', ...args, '-n', 'tenants'], { kubeconfigPath: api.kubeconfigPath })
/** Waits until a run has told something. */
const told = ({ seen }: RunningBerth, text: string): Promise<unknown> =>
  eventually(() => seen().err.includes(text), { describe: text, deadlineMs: 30_000 })
const read = (name: string) => api.client.get<KubeObject>(tenantControlPlanes, at(name))

/** What the manager would say of it. */
const say = async (name: string, status: object): Promise<void> => {
  const plane = await read(name)
  const body = { status: { observedGeneration: plane?.metadata.generation, ...status } }
  await api.client.patch(tenantControlPlanes, at(name), body, { subresource: 'status' })
}
const condition = (type: string, status: string, message: string, reason = 'R') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-tenants-'))
  api = await startApiServer()
  const { client } = api
  for (const crd of [tenantControlPlaneCrd(), tenantClassCrd(), controlPlaneSnapshotCrd()])
    await client.create(resourceTypes.customResourceDefinitions, crd)
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tenants' } })
  for (const type of [tenantControlPlanes, tenantClasses, controlPlaneSnapshots])
    await eventually(() => client.list(type), { describe: `the CRD of ${type.kind}`, deadlineMs: 30_000 })
  const gold = { apiVersion: 'berth.dev/v1alpha1', kind: 'TenantClass', metadata: { name: 'gold' }, spec: {} }
  await client.create(tenantClasses, gold)
}, 120_000)

afterAll(async () => {
  await api?.stop()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

describe('berth tenant create', () => {
  test('of flags; its name goes to stdout, words about it to stderr', async () => {
    const made = await tenant(
      'create',
      'blue',
      '--class',
      'gold',
      '--size',
      'medium',
      '--set',
      'apiServer.replicas=2',
      '-o',
      'name',
    )
    expect(made).toEqual({ code: 0, out: 'tenantcontrolplane.berth.dev/blue\n', err: 'tenant blue is created\n' })
    expect((await read('blue'))?.['spec']).toMatchObject({ className: 'gold', size: 'medium', apiServer: { replicas: 2 } })
  })

  test('of a file on standard input, with flags over it', async () => {
    const input = JSON.stringify({
      apiVersion: 'berth.dev/v1alpha1',
      kind: 'TenantControlPlane',
      metadata: { name: 'template', namespace: 'tenants', labels: { team: 'a' } },
      spec: { size: 'large', network: { clusterDomain: 'green.local' } },
    })
    const { code } = await berth(['tenant', 'create', 'green', '-f', '-', '--size', 'small'], { input })
    expect(code).toBe(0)
    expect(await read('green')).toMatchObject({
      metadata: { labels: { team: 'a' } },
      spec: { size: 'small', network: { clusterDomain: 'green.local' } },
    })
  })

  test('a dry run is checked and makes nothing', async () => {
    const { code, out, err } = await tenant('create', 'dry', '--dry-run', '-o', 'json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({ kind: 'TenantControlPlane', metadata: { name: 'dry' } })
    expect(await read('dry')).toBeUndefined()
  })

  test.for<[what: string, args: readonly string[], code: number, words: RegExp]>([
    ['a field that nobody knows', ['--set', 'sizes=large'], 4, /unknown field "spec\.sizes"/],
    ['a value that is none', ['--size', 'huge'], 4, /spec\.size.*huge/],
    ['a setting without a value', ['--set', 'size'], 2, /path=value is needed/],
    ['a file that is not there', ['-f', '/nowhere'], 2, /cannot read \/nowhere/],
  ])('%s is refused', async ([, args, code, words]) => {
    const made = await tenant('create', 'refused', ...args)
    expect(made.err).toMatch(words)
    expect(made).toMatchObject({ code, out: '' })
    expect(await read('refused')).toBeUndefined()
  })

  test('one that is there already is refused', async () => {
    const { code, err } = await tenant('create', 'blue')
    expect(err).toMatch(/already exists/)
    expect(code).toBe(4)
  })

  test('--wait tells how far it is, and prints it when it is ready', async () => {
    const made = start('create', 'slow', '--wait', '--timeout', '30', '-o', 'name')
    await told(made, 'the manager has not looked at it yet')
    await say('slow', {
      conditions: [condition('CertificatesReady', 'True', ''), condition('DataStoreReady', 'False', 'waits for 1 member')],
    })
    await told(made, 'waits for 1 member')
    await say('slow', { conditions: [condition('Ready', 'True', 'it answers')] })
    const { code, out, err } = await made.ended
    expect(err).toMatch(/tenant slow: 1 of 7: DataStoreReady: waits for 1 member\ntenant slow: it answers\n$/)
    expect({ code, out }).toEqual({ code: 0, out: 'tenantcontrolplane.berth.dev/slow\n' })
  })

  test('--wait ends at once where nothing comes of it, and in time where nothing comes', async () => {
    const refused = tenant('create', 'poor', '--class', 'none', '--wait', '--timeout', '30')
    await eventually(() => read('poor'), { describe: 'the tenant' })
    await say('poor', { conditions: [condition('Ready', 'False', 'there is no TenantClass none', 'ClassMissing')] })
    expect(await refused).toMatchObject({ code: 4, err: expect.stringContaining('there is no TenantClass none') })
    const late = await tenant('create', 'late', '--wait', '--timeout', '0')
    expect(late).toMatchObject({
      code: 4,
      err: expect.stringContaining('the manager has not looked at it yet. It goes on by itself'),
    })
  })
})

describe('berth tenant list', () => {
  const names = async (...args: readonly string[]) =>
    (await tenant('list', '-o', 'name', ...args)).out
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('/')[1])

  test.for<[args: readonly string[], wanted: readonly string[]]>([
    [['--class', 'gold'], ['blue']],
    [['-l', 'team=a'], ['green']],
    [['--selector', 'team!=a', '--class', 'gold'], ['blue']],
    [['--ready'], ['slow']],
    [['--no-ready', '--class', 'none'], ['poor']],
    [['--class', 'bronze'], []],
  ])('%j', async ([args, wanted]) => {
    expect(await names(...args)).toEqual(wanted)
  })

  test('-o wide has more columns; an empty list says so', async () => {
    const { out } = await tenant('list', '-o', 'wide', '--class', 'gold')
    expect(out).toMatch(/^NAME +VERSION .* CLASS +SIZE +DATA STORE +SLICE +CONTROL PLANE$/m)
    expect(out).toMatch(/^blue .* gold +medium +dedicated +- +-$/m)
    expect((await tenant('list', '--class', 'bronze')).err).toMatch(/there are no such tenants in namespace tenants/)
  })

  test('a selector that is none is told in the words of the API server', async () => {
    expect(await tenant('list', '-l', 'a in (')).toMatchObject({
      code: 4,
      out: '',
      err: expect.stringMatching(/label ?[sS]elector|parse/),
    })
  })
})

describe('berth tenant delete', () => {
  beforeAll(async () => {
    const { client } = api
    const uid = (await read('blue'))?.metadata.uid ?? ''
    await client.create(namespaces, { metadata: { name: 'blue-shop-x', labels: { 'berth.dev/tenant': uid } } })
    for (const [name, policy] of [
      ['pv-kept', 'Retain'],
      ['pv-lost', 'Delete'],
    ] as const)
      await client.create(persistentVolumes, {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: '/x' },
          persistentVolumeReclaimPolicy: policy,
          claimRef: { namespace: 'blue-shop-x', name },
        },
      })
  })

  test('says what goes and what stays, and needs a word where nobody can be asked', async () => {
    const { code, err } = await tenant('delete', 'blue')
    expect(err).toMatch(/^With tenant blue goes:$/m)
    expect(err).toMatch(/1 volume: pv-lost/)
    expect(err).toMatch(/1 volume with reclaim policy Retain: pv-kept/)
    expect(err).toMatch(/nobody can answer here: say --yes/)
    expect(code).toBe(2)
    expect(await read('blue')).toBeDefined()
  })

  test('on a terminal it asks for the name, and takes no other', async () => {
    const options = { kubeconfigPath: api.kubeconfigPath }
    const args = ['tenant', 'delete', 'blue', '-n', 'tenants']
    const refused = await runBerthOnTerminal(args, { ...options, input: 'yes\n' })
    expect(refused.out).toMatch(/Type the name of the tenant to delete it:/)
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('nothing is deleted') })
    expect(await read('blue')).toBeDefined()
    const deleted = await runBerthOnTerminal(args, { ...options, input: 'blue\n' })
    expect(deleted).toMatchObject({ code: 0, out: expect.stringContaining('tenant blue is being deleted') })
    expect(await read('blue')).toBeUndefined()
  })

  test('--wait tells what is waited for, until that very tenant is gone', async () => {
    await api.client.patch(tenantControlPlanes, at('green'), { metadata: { finalizers: ['berth.dev/control-plane'] } })
    const deleted = start('delete', 'green', '--yes', '--wait', '--timeout', '30')
    await told(deleted, 'waits for the manager')
    await say('green', { conditions: [condition('Deleting', 'True', 'waits for 2 pods')] })
    await told(deleted, 'waits for 2 pods')
    await api.client.patch(tenantControlPlanes, at('green'), { metadata: { finalizers: null } })
    const { code, err } = await deleted.ended
    expect(err).toMatch(
      /tenant green is being deleted\ntenant green: waits for the manager\ntenant green: waits for 2 pods\ntenant green: it is gone\n$/,
    )
    expect(code).toBe(0)
    expect((await tenant('delete', 'green', '--yes')).code).toBe(3)
  })
})

describe('completion, live', () => {
  // On a busy machine a process takes longer to start than a person waits.
  const patient = { BERTH_COMPLETION_SECONDS: '60' }
  const complete = (...words: readonly string[]) => berth(['__complete', '--', ...words], { env: patient })
  const made = (kind: string, name: string, spec: object) => ({
    apiVersion: 'berth.dev/v1alpha1',
    kind,
    metadata: at(name),
    spec,
  })

  beforeAll(async () => {
    const storage = { s3: { endpoint: 'https://s3.example.com', bucket: 'snapshots', secretName: 's3' } }
    for (const name of ['rose', 'lily']) {
      await api.client.create(tenantControlPlanes, made('TenantControlPlane', name, {}))
      const spec = { tenantName: name, storage }
      await api.client.create(controlPlaneSnapshots, made('ControlPlaneSnapshot', `${name}-1`, spec))
    }
  })

  test.for<[words: readonly string[], offered: readonly string[]]>([
    [['verify', '-n', 'tenants', 'ro'], ['rose']],
    [['tenant', 'list', '--class', ''], ['gold']],
    [['verify', '-n', 'ten'], ['tenants']],
    [['tenant', 'upgrade', 'rose', 'v1.36'], ['v1.36.3']],
    [['verify', '-n', 'tenants', 'zz'], []],
  ])('%j', async ([words, offered]) => {
    expect(await complete(...words)).toEqual({ code: 0, out: [...offered, ':4', ''].join('\n'), err: '' })
  })

  test('snapshots of the tenant that was named', async () => {
    expect((await complete('restore', '-n', 'tenants', 'rose', '')).out).toBe('rose-1\tof rose, Pending\n:4\n')
  })

  test('a real bash completes the name of a tenant', async () => {
    const path = join(folder, 'berth')
    await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, 'cli.ts')}' "$@"\n`)
    await chmod(path, 0o755)
    const script =
      'source <(berth completion bash); COMP_WORDS=(berth verify -n tenants ro); COMP_CWORD=4; _berth; echo "$COMPREPLY"'
    const env = {
      ...process.env,
      PATH: `${folder}${delimiter}${process.env['PATH']}`,
      KUBECONFIG: api.kubeconfigPath,
      ...patient,
    }
    const out = await new Promise((resolve) => {
      execFile('bash', ['--norc', '-c', script], { env, timeout: 30_000 }, (_error, told, err) => resolve(told + err))
    })
    expect(out).toBe('rose\n')
  })
})
