import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { type Child, startChild } from '../testing/child.ts'
import { eventually } from '../testing/eventually.ts'
import { freePorts } from '../testing/ports.ts'

// What probes of Kubernetes get, of the processes as they are run, while management answers and while it does not.
let world: ApiWorld
const children = new Map<string, Child>()
const ports = new Map<string, number>()

const start = (name: string, process_: string, port: number, args: readonly string[]): void => {
  const program = join(import.meta.dirname, `${process_}.ts`)
  const common = [`--kubeconfig=${world.api.kubeconfigPath}`, `--health-port=${port}`]
  ports.set(name, port)
  children.set(name, startChild(process.execPath, [program, ...common, ...args], join(world.api.folder, `${name}.log`)))
}
const probe = async (name: string, path: string): Promise<{ status: number; text: string }> => {
  const answer = await fetch(`http://127.0.0.1:${ports.get(name)}${path}`, { signal: AbortSignal.timeout(5000) })
  return { status: answer.status, text: await answer.text() }
}
const isReady = async (name: string): Promise<boolean> => (await probe(name, '/readyz')).status === 200

beforeAll(async () => {
  world = await startApiWorld()
  const [leader = 0, standby = 0, syncer = 0, api = 0, http = 0] = await freePorts(5)
  start('leader', 'manager', leader, ['--identity=leader'])
  start('syncer', 'syncer', syncer, ['--identity=syncer'])
  start('api', 'api', api, [`--port=${http}`])
  await eventually(async () => (await Promise.all([...ports.keys()].map(isReady))).every(Boolean), {
    deadlineMs: 60_000,
    describe: 'all to be ready',
  })
  start('standby', 'manager', standby, ['--identity=standby'])
}, 300_000)
afterAll(async () => {
  world?.api.thaw()
  await Promise.all([...children.values()].map((child) => child.end()))
  await world?.stop()
})

test('a manager that does not lead is ready: it goes on when the leader is gone', async () => {
  await eventually(() => isReady('standby'), { deadlineMs: 30_000, describe: 'the standby to be ready' })
  expect((await probe('standby', '/readyz')).text).toContain('[+] lease ok')
})

test('while management is away, who cannot work says so, nobody asks for a restart, and it passes', async () => {
  world.api.freeze()
  await eventually(async () => !(await isReady('syncer')), { deadlineMs: 40_000, describe: 'the syncer to be not ready' })
  expect((await probe('syncer', '/readyz')).text).toMatch(/\[-\] membership: the membership cannot be renewed: /)
  await eventually(async () => !(await isReady('standby')), { deadlineMs: 40_000, describe: 'the standby to be not ready' })
  expect((await probe('standby', '/readyz')).text).toMatch(/\[-\] lease: the lease cannot be asked for: /)
  // It answers what it knows, and tells its callers to ask again for the rest: better than a port that is closed.
  expect(await isReady('api')).toBe(true)
  for (const name of ['syncer', 'standby', 'api']) expect((await probe(name, '/healthz')).status).toBe(200)
  // Who led ends by itself: another may lead meanwhile.
  await eventually(() => children.get('leader')?.exit() !== undefined, { deadlineMs: 40_000, describe: 'the leader to end' })
  expect(children.get('leader')?.exit()).toBe('code 1')
  world.api.thaw()
  for (const name of ['syncer', 'standby'])
    await eventually(() => isReady(name), { deadlineMs: 60_000, describe: `${name} to be ready again` })
}, 240_000)
