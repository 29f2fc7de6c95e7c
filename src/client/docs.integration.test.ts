import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiProcess, type ApiWorld, startApiWorld, tenantsOf } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'

// What docs/how-to/client.md shows is compiled, and run against the API.
const root = join(import.meta.dirname, '../..')
let world: ApiWorld
let api: ApiProcess
let folder: string
let env: Record<string, string>

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  await api.ask('POST', '/v1/organizations', { body: { name: 'acme' } })
  env = {
    BERTH_API: `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`,
    BERTH_API_KEY: await world.makeKey({ organization: 'acme' }),
  }
  folder = await mkdtemp(join(tmpdir(), 'berth-client-docs-'))
  const page = await readFile(join(root, 'docs/how-to/client.md'), 'utf8')
  const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  expect(blocks).toHaveLength(2)
  const client = join(import.meta.dirname, 'index.ts')
  for (const [at, block] of blocks.entries())
    await writeFile(join(folder, `example-${at}.ts`), block.replace("'berth/client'", `'${client}'`))
  // They stand outside of the tree, and nothing is made of them.
  const compilerOptions = { typeRoots: [join(root, 'node_modules/@types')], rewriteRelativeImportExtensions: false }
  const settings = { extends: join(root, 'tsconfig.json'), compilerOptions }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ ...settings, include: [join(folder, '*.ts')] }))
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
}, 300_000)
afterAll(async () => {
  await world?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

const runExample = (at: number) =>
  execa(process.execPath, [join(folder, `example-${at}.ts`)], { env, all: true, reject: false, timeout: 50_000 })

test('the examples compile', async () => {
  const { all, exitCode } = await execa(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { all: true, reject: false })
  expect(all).toBe('')
  expect(exitCode).toBe(0)
})

test('a sign-up makes a tenant, waits for it and labels it', async () => {
  const running = runExample(0)
  await eventually(async () => (await tenantsOf(world.kube, 'acme')).length === 1, { describe: 'the tenant', deadlineMs: 30_000 })
  const ready = { type: 'Ready', status: 'True', reason: 'Test', message: '', lastTransitionTime: '2026-11-22T12:00:00Z' }
  await world.setStatus('acme', 'shop', { conditions: [ready], timings: { Ready: 9 } })
  const { all, exitCode } = await running
  expect(exitCode, String(all)).toBe(0)
  expect(all).toContain('shop is ready')
  expect((await tenantsOf(world.kube, 'acme'))[0]?.metadata.labels).toMatchObject({ plan: 'gold', team: 'blue' })
})

test('tenants are listed, and events are heard', async () => {
  const { all, exitCode } = await runExample(1)
  expect(exitCode, String(all)).toBe(0)
  expect(all).toBe('shop')
})
