import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiWorld, startApiWorld, tenantsOf } from '../testing/api-world.ts'
import { type Child, startChild } from '../testing/child.ts'
import { eventually } from '../testing/eventually.ts'
import { freePorts } from '../testing/ports.ts'

// The process and the program as people run them.
let world: ApiWorld
let child: Child | undefined
let port: number | undefined
let healthPort: number | undefined

const berth = (...args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: world.api.kubeconfigPath, NO_COLOR: '1' }
    execFile(process.execPath, [join(import.meta.dirname, 'cli.ts'), ...args], { env, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err })
    })
  })

const start = (): Child =>
  startChild(
    process.execPath,
    [
      join(import.meta.dirname, 'api.ts'),
      `--kubeconfig=${world.api.kubeconfigPath}`,
      `--port=${port}`,
      `--health-port=${healthPort}`,
    ],
    join(world.api.folder, 'api.log'),
  )
const isReady = async () => (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) })).status === 200
const ask = async (method: string, path: string, key: string, body?: object) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json', 'idempotency-key': 'k1' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> }
}

beforeAll(async () => {
  world = await startApiWorld()
  const ports = await freePorts(2)
  port = ports[0]
  healthPort = ports[1]
  child = start()
  await eventually(isReady, { deadlineMs: 30_000, describe: 'the API to be ready' })
}, 300_000)
afterAll(async () => {
  await child?.end()
  await world?.stop()
})

test('the first key comes from the command line, and ends there', async () => {
  const { code, out, err } = await berth('api-key', 'create', 'backend')
  expect(code).toBe(0)
  expect(out).toMatch(/^berth_[a-z0-9]{16}_[A-Za-z0-9_-]{43}\n$/)
  const key = out.trim()
  const [, id = ''] = key.split('_')
  expect(err).toContain(id)
  expect(await ask('POST', '/v1/organizations', key, { name: 'acme' })).toMatchObject({ status: 201 })

  const own = await berth(
    'api-key',
    'create',
    'ci',
    '--organization',
    'acme',
    '--scopes',
    'tenants:read',
    '--expires-in-days',
    '7',
  )
  expect(await ask('GET', '/v1/organizations/acme/tenants', own.out.trim())).toMatchObject({ status: 200, body: { items: [] } })
  const listed = await berth('api-key', 'list')
  expect(listed.out).toMatch(/^ID +NAME +ORGANIZATION +SCOPES +EXPIRES +USED$/m)
  expect(listed.out).toMatch(/ci +acme +tenants:read +20/)
  expect(listed.out).not.toContain(key.slice(-20))

  expect(await berth('api-key', 'revoke', id)).toMatchObject({ code: 0 })
  await eventually(async () => (await ask('GET', '/v1/organizations', key)).status === 401, { describe: 'the key to end' })
  expect(await berth('api-key', 'revoke', id)).toMatchObject({ code: 3 })
})

test.for<[name: string, args: readonly string[], code: number, text: RegExp]>([
  ['a scope that nobody knows', ['api-key', 'create', 'x', '--scopes', 'everything'], 2, /no scopes: everything/],
  ['an organisation that is not there', ['api-key', 'create', 'x', '--organization', 'nobody'], 3, /no organisation nobody/],
  ['a namespace that is none', ['api-key', 'create', 'x', '--organization', 'kube-system'], 3, /no organisation kube-system/],
  ['no number of days', ['api-key', 'create', 'x', '--expires-in-days', '0'], 2, /from 1 to 3650/],
  ['an id that is a path', ['api-key', 'revoke', '../agent-ca'], 3, /no API key/],
])('api-key with %s', async ([, args, code, text]) => {
  const result = await berth(...args)
  expect(result.code).toBe(code)
  expect(result.err).toMatch(text)
})

test('a process that is killed goes on where it was, with nothing but what is in management', async () => {
  const { platformKey: key } = world
  const first = await ask('POST', '/v1/organizations/acme/tenants', key, { name: 'shop' })
  expect(first.status).toBe(202)
  await child?.end('SIGKILL')
  child = start()
  await eventually(isReady, { deadlineMs: 30_000, describe: 'the API to be ready again' })
  const again = await ask('POST', '/v1/organizations/acme/tenants', key, { name: 'shop' })
  expect(again.body).toEqual(first.body)
  expect(again.headers.get('idempotent-replayed')).toBe('true')
  expect(await tenantsOf(world.kube, 'acme')).toHaveLength(1)
})

test('metrics know routes, and no names', async () => {
  const answer = await fetch(`http://127.0.0.1:${healthPort}/metrics`, { signal: AbortSignal.timeout(5000) })
  const text = await answer.text()
  expect(text).toMatch(/berth_api_request_seconds_count\{.*route="\/v1\/organizations\/:org\/tenants".*\} \d/)
  expect(text).not.toContain('acme')
})

test('stops in good order', async () => {
  await child?.end('SIGTERM')
  expect(child?.exit()).toBe('code 0')
})
