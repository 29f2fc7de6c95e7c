import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { conditionTypes } from '../apis/conditions.ts'
import { type ApiProcess, type ApiWorld, startApiWorld } from '../testing/api-world.ts'
import { eventually } from '../testing/eventually.ts'

let world: ApiWorld
let api: ApiProcess
const open: ClientRequest[] = []

interface Stream {
  readonly status: number
  /** Text so far. */
  readonly text: () => string
  readonly events: () => readonly { readonly id: string; readonly event: string; readonly name: string }[]
  readonly ended: () => boolean
  readonly answer: IncomingMessage
}

const portOf = ({ app }: ApiProcess): number => (app.server.address() as AddressInfo).port

const listen = (
  process: ApiProcess,
  organization: string,
  headers: Record<string, string> = {},
  key = world.platformKey,
): Promise<Stream> =>
  new Promise((resolve, reject) => {
    const options = {
      port: portOf(process),
      path: `/v1/organizations/${organization}/events`,
      headers: { authorization: `Bearer ${key}`, ...headers },
    }
    const asked = request(options, (answer) => {
      let text = ''
      let ended = false
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('close', () => {
        ended = true
      })
      answer.on('error', () => {})
      const events = () =>
        text
          .split('\n\n')
          .slice(0, -1)
          .filter((block) => !block.startsWith(':'))
          .map((block) => ({
            id: /^id: (.*)$/m.exec(block)?.[1] ?? '',
            event: /^event: (.*)$/m.exec(block)?.[1] ?? '',
            name: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}').name ?? '',
          }))
      resolve({ status: answer.statusCode ?? 0, text: () => text, events, ended: () => ended, answer })
    })
    asked.on('error', reject).end()
    open.push(asked)
  })

const connectionsOf = ({ app }: ApiProcess): Promise<number> =>
  new Promise((resolve, reject) => app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))))

const create = (organization: string, name: string) =>
  api.ask('POST', `/v1/organizations/${organization}/tenants`, { body: { name } })

beforeAll(async () => {
  world = await startApiWorld()
  api = await world.start()
  await api.app.listen({ port: 0, host: '127.0.0.1' })
  for (const name of ['acme', 'umbrella']) await api.ask('POST', '/v1/organizations', { body: { name } })
}, 300_000)
afterEach(() => {
  for (const asked of open.splice(0)) asked.destroy()
})
afterAll(() => world?.stop())

test('tells what happens to the tenants of one organisation, from change to deletion', async () => {
  const stream = await listen(api, 'acme')
  expect(stream.answer.headers['content-type']).toContain('text/event-stream')
  await create('umbrella', 'hive')
  await create('acme', 'shop')
  const ready = { type: 'Ready', status: 'True', reason: 'Test', message: '', lastTransitionTime: '2026-11-22T12:00:00Z' }
  await world.setStatus('acme', 'shop', { conditions: [ready] })
  await api.ask('DELETE', '/v1/organizations/acme/tenants/shop')
  await eventually(() => stream.events().some(({ event }) => event === 'tenant.deleted'), { describe: 'the deletion' })
  expect(stream.events().map(({ event, name }) => `${event} ${name}`)).toEqual([
    'start ',
    'tenant.changed shop',
    'tenant.ready shop',
    'tenant.deleted shop',
  ])
})

test('goes on after the event that a client saw last, and says when that is not known', async () => {
  const first = await listen(api, 'acme')
  await create('acme', 'one')
  await eventually(() => first.events().length >= 2, { describe: 'the first event' })
  const seen = first.events().at(-1)?.id ?? ''
  first.answer.destroy()
  await create('acme', 'two')
  await eventually(() => api.caches.tenants('acme').length >= 2)
  const second = await listen(api, 'acme', { 'last-event-id': seen })
  await eventually(() => second.events().some(({ name }) => name === 'two'), { describe: 'the missed event' })
  expect(second.events()[0]?.event).toBe('start')
  expect(second.events().map(({ name }) => name)).not.toContain('one')

  for (const id of ['1', 'x']) {
    const late = await listen(api, 'acme', { 'last-event-id': id })
    await eventually(() => late.events().length > 0, { describe: 'the first word' })
    expect(late.events()[0]?.event).toBe('reset')
  }
})

test('another process goes on with the ids of the first', async () => {
  const first = await listen(api, 'acme')
  await eventually(() => first.events().length > 0)
  const seen = first.events()[0]?.id ?? ''
  const other = await world.start()
  await other.app.listen({ port: 0, host: '127.0.0.1' })
  const stream = await listen(other, 'acme', { 'last-event-id': seen })
  await create('acme', 'three')
  await eventually(() => stream.events().some(({ name }) => name === 'three'), { describe: 'the event of the other process' })
})

test('a client that reads too slowly is cut, and others are told all the same', async () => {
  const quick = await listen(api, 'acme')
  const slow = await listen(api, 'acme')
  slow.answer.pause()
  await create('acme', 'heavy')
  // What the sockets of both sides hold has to be full before anything is left unread in the process.
  const rest = { status: 'False', reason: 'Test', message: 'x'.repeat(8000), lastTransitionTime: '2026-11-22T12:00:00Z' }
  const conditions = conditionTypes.map((type) => ({ ...rest, type }))
  const write = (round: number) => world.setStatus('acme', 'heavy', { conditions, timings: { Ready: round } })
  await eventually(async () => (await connectionsOf(api)) === 2, { describe: 'two connections' })
  let rounds = 0
  await eventually(
    async () => {
      rounds += 1
      await write(rounds)
      // Paused, it does not hear of its end itself.
      return (await connectionsOf(api)) < 2
    },
    { describe: 'the end of the slow stream', deadlineMs: 50_000 },
  )
  await write(0)
  await eventually(() => quick.events().filter(({ name }) => name === 'heavy').length >= rounds, { describe: 'all of it' })
  expect(quick.ended()).toBe(false)
})

test('ends with the process, and has its limit', async () => {
  const tight = await world.start({ limits: { perSecond: 1000, burst: 1000, streams: 1 } })
  await tight.app.listen({ port: 0, host: '127.0.0.1' })
  const stream = await listen(tight, 'acme')
  const refused = await listen(tight, 'acme')
  expect(refused.status).toBe(429)
  await tight.stop()
  await eventually(() => stream.ended(), { describe: 'the end of the stream' })
})
