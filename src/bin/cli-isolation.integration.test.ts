import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { kubeconfigText, startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { type BerthRun, runBerth } from '../testing/berth-program.ts'
import type { Child } from '../testing/child.ts'
import { startControllers } from '../testing/controller-manager.ts'
import { eventually } from '../testing/eventually.ts'

// One real API server is management, super and tenant at once: so a check of each result is at hand.
const { tenantControlPlanes, namespaces, secrets, clusterRoles } = resourceTypes
const controllers = ['serviceaccount-controller', 'clusterrole-aggregation-controller', 'namespace-controller'] as const
const expected = {
  'MTB-PL1-CC-TI-1': 'pass',
  'BERTH-TI-1': 'not-applicable',
  // What is super is this tenant, which takes its own.
  'BERTH-TI-2': 'fail',
  // There is no pod of a control plane.
  'BERTH-CPI-2': 'error',
} as const
const ids = Object.keys(expected)

let api: TestApiServer
let running: Child | undefined
let folder: string

const verify = (...more: readonly string[]): Promise<BerthRun> =>
  runBerth(['isolation', 'verify', 'acme', '-n', 'tenants', '--wait', '5', ...ids.flatMap((id) => ['--only', id]), ...more], {
    kubeconfigPath: api.kubeconfigPath,
  })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-cli-isolation-'))
  api = await startApiServer()
  const { client } = api
  running = await startControllers(api, [...controllers])
  await client.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
  await client.create(namespaces, { metadata: { name: 'kube-system' } }).catch(() => undefined)
  await client.create(namespaces, { metadata: { name: 'tenants' } })
  const object = {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name: 'acme', namespace: 'tenants' },
    spec: {},
  }
  await eventually(() => client.create<KubeObject>(tenantControlPlanes, object), {
    describe: 'the CRD in force',
    deadlineMs: 30_000,
  })
  const ready = { type: 'APIServerReady', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }
  const status = { controlPlaneNamespace: 'plane-acme', conditions: [ready] }
  await client.patch(tenantControlPlanes, { name: 'acme', namespace: 'tenants' }, { status }, { subresource: 'status' })
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'acme-kubeconfig', namespace: 'tenants' },
    stringData: { value: kubeconfigText(api.connection) },
  })
  await eventually(async () => (await client.get(clusterRoles, { name: 'admin' }))?.['rules']?.length > 0, {
    describe: 'the rules of ClusterRole admin',
    deadlineMs: 60_000,
  })
}, 180_000)

afterAll(async () => {
  await running?.end()
  await api?.stop()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

describe('berth isolation verify prints', () => {
  const rowOf = (out: string, id: string): readonly string[] =>
    (out.split('\n').find((line) => line.startsWith(`${id} `)) ?? '').split(/\s{2,}/)

  test('a table for people, the score beside it, and has the code of a failure', async () => {
    const { out, err, code } = await verify()
    expect(out.split('\n')[0]?.split(/\s{2,}/)).toEqual(['ID', 'RESULT', 'CHECK', 'MESSAGE'])
    for (const [id, result] of Object.entries(expected)) expect(rowOf(out, id)[1], `${out}${err}`).toBe(result.toUpperCase())
    expect(out.trim().split('\n')).toHaveLength(1 + ids.length)
    expect(err).toContain('trying 4 checks in tenant acme')
    expect(err).toContain(
      "Multi-Tenancy Benchmarks: 1 of 1 passed; Berth's own: 0 of 3 passed, 1 failed, 1 could not be carried out",
    )
    expect(code).toBe(1)
  })

  test('more columns with -o wide', async () => {
    const { out } = await verify('-o', 'wide')
    expect(out.split('\n')[0]?.split(/\s{2,}/)).toEqual(['ID', 'RESULT', 'SECONDS', 'LAYERS', 'CHECK', 'MESSAGE'])
    expect(rowOf(out, 'MTB-PL1-CC-TI-1').slice(1, 4)).toEqual(['PASS', expect.stringMatching(/^\d+\.\d$/), 'tenant'])
  })

  test('what did not pass with -o name, and nothing beside it', async () => {
    const { out, err, code } = await verify('-o', 'name')
    expect([out.trim().split('\n').toSorted(), err, code]).toEqual([['BERTH-CPI-2', 'BERTH-TI-2'], '', 1])
  })

  test.for([
    ['json', (text: string): unknown => JSON.parse(text)],
    ['yaml', (text: string): unknown => parse(text)],
  ] as const)('all that was seen with -o %s', async ([format, read]) => {
    const { out, err } = await verify('-o', format)
    const { tenant, score, results } = read(out) as {
      tenant: { name: string }
      score: object
      results: { id: string; result: string; evidence: object[] }[]
    }
    expect(tenant.name).toBe('acme')
    expect(score).toEqual({ pass: 1, fail: 1, error: 1, notApplicable: 1 })
    expect(Object.fromEntries(results.map(({ id, result }) => [id, result]))).toEqual(expected)
    expect(results.find(({ result }) => result === 'pass')?.evidence).not.toEqual([])
    expect(err).toBe('')
  })

  test('a PolicyReport with -o policyreport, and JUnit XML into a file', async () => {
    const file = join(folder, 'isolation.xml')
    const { out, err, code } = await verify('-o', 'policyreport', '--junit', file)
    const report = parse(out) as KubeObject
    expect(report).toMatchObject({
      apiVersion: 'wgpolicyk8s.io/v1alpha2',
      kind: 'PolicyReport',
      metadata: { name: 'isolation-acme', namespace: 'tenants' },
      scope: { kind: 'TenantControlPlane', name: 'acme', namespace: 'tenants' },
      summary: { pass: 1, fail: 1, warn: 0, error: 1, skip: 1 },
    })
    const words = Object.entries({ ...expected, 'BERTH-TI-1': 'skip' })
    expect(Object.fromEntries(report['results'].map((each: KubeObject) => [each['policy'], each['result']]))).toEqual(
      Object.fromEntries(words),
    )
    expect([err, code]).toEqual(['', 1])
    const xml = await readFile(file, 'utf8')
    expect(xml).toContain('<testsuites name="berth isolation verify" tests="4" failures="1" errors="1"')
    for (const id of ids) expect(xml).toContain(`<testcase name="${id} `)
    for (const kind of ['failure', 'error', 'skipped']) expect(xml.match(new RegExp(`<${kind} `, 'g')), kind).toHaveLength(1)
  })
})
