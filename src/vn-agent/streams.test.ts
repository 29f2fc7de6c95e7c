import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readAll, readHead } from '../testing/agent-peers.ts'
import { type AgentGround, type AgentPlace, agentFiles, getText, openAgentGround, upgradeText } from '../testing/agent-place.ts'
import { eventually } from '../testing/eventually.ts'
import { readCertificates } from './certificates.ts'

let ground: AgentGround
beforeAll(async () => {
  ground = await openAgentGround()
})
afterAll(() => ground?.remove())
afterEach(() => ground.clear())

const execPath = '/exec/shop/web-0/main?command=cat&input=1&output=1'
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n'

/** A stream of acme's whose far end is the test's. */
const openStream = async (place: AgentPlace): Promise<{ near: TLSSocket; far: Socket; rest: Buffer }> => {
  const { promise, resolve } = Promise.withResolvers<Socket>()
  place.behaviour.onUpgrade = (socket) => {
    socket.write(switching)
    resolve(socket)
  }
  const near = await place.dial(ground.acme)
  near.write(upgradeText(execPath))
  const { rest } = await readHead(near)
  return { near, far: await promise, rest }
}

/** The next text on a socket. */
const hear = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    socket.once('close', () => reject(new Error('closed before a word')))
    socket.resume()
  })

const talk = async (near: Socket, far: Socket): Promise<void> => {
  const up = hear(far)
  near.write('up')
  expect(await up).toBe('up')
  const down = hear(near)
  far.write('down')
  expect(await down).toBe('down')
}

describe('half-close', () => {
  test('the tenant ends its direction and goes on reading', async () => {
    const { near, far, rest } = await openStream(await ground.openPlace())
    const [up, down] = [readAll(far), readAll(near, rest)]
    near.end('last words')
    expect((await up).text).toBe('last words')
    far.write('still ')
    await pause(50)
    far.end('answered')
    expect((await down).text).toBe('still answered')
  })

  test('super ends its direction and goes on reading', async () => {
    const place = await ground.openPlace()
    const { near, far, rest } = await openStream(place)
    const [up, down] = [readAll(far), readAll(near, rest)]
    far.end('no more')
    expect((await down).text).toBe('no more')
    near.write('still ')
    await pause(50)
    near.end('heard')
    expect((await up).text).toBe('still heard')
    await eventually(() => place.sessions.active() === 0, { describe: 'the end of the session' })
  })
})

describe('the end of a log', () => {
  // A TLS socket never joins two records into one `data`, so what comes in a piece of its own was sent in a record of its own.
  const pieces = async (socket: TLSSocket): Promise<string[]> => {
    const heard: string[] = []
    for await (const piece of socket as AsyncIterable<Buffer>) heard.push(piece.toString())
    return heard
  }

  test.for<[name: string, onStream: (reply: ServerResponse) => void]>([
    ['a line and the end at once', (reply) => reply.end('the last line\n')],
    ['a line, and the end in the next write', (reply) => void (reply.write('the last line\n'), reply.end())],
    ['with its length told', (reply) => reply.writeHead(200, { 'content-length': 14 }).end('the last line\n')],
  ])('comes after the last line, never with it: %s', async ([, onStream]) => {
    const place = await ground.openPlace()
    place.behaviour.onStream = (_request, reply) => onStream(reply)
    const near = await place.dial(ground.acme)
    near.write(getText('/containerLogs/shop/web-0/main'))
    const heard = await pieces(near)
    expect(heard.at(-1)).toBe('0\r\n\r\n')
    expect(heard.slice(0, -1).join('')).toMatch(/\r\ne\r\nthe last line\n\r\n$/)
    await eventually(() => place.lines.some(({ msg }) => msg === 'session ended'), { describe: 'the line of the session' })
    expect(place.lines.find(({ msg }) => msg === 'session ended')).toMatchObject({ bytesDown: 14, result: 'closed' })
  })
})

describe('time', () => {
  // The shortest limits there can be: a stream outlives all of them many times over.
  const limits = { headMs: 200, requestMs: 250, keepAliveMs: 200, checkMs: 50 }

  test('an idle stream lives on, beyond every limit of requests', async () => {
    const place = await ground.openPlace({ limits })
    const { near, far } = await openStream(place)
    for (let round = 0; round < 3; round += 1) {
      await pause(600)
      await talk(near, far)
    }
    near.destroy()
    far.destroy()
    await eventually(() => place.sessions.active() === 0)
    expect(place.lines.find(({ msg }) => msg === 'session ended')?.['seconds']).toBeGreaterThan(1.7)
  })

  test('so does a log that says nothing for long', async () => {
    const place = await ground.openPlace({ limits })
    let more: ServerResponse | undefined
    place.behaviour.onStream = (_request, reply) => {
      reply.writeHead(200, { 'content-type': 'text/plain' }).write('first\n')
      more = reply
    }
    const near = await place.dial(ground.acme)
    near.write(getText('/containerLogs/shop/web-0/main?follow=true'))
    const { rest } = await readHead(near)
    const all = readAll(near, rest)
    await pause(1_500)
    more?.end('last\n')
    expect((await all).text).toContain('last\n')
  })

  test('who says nothing at all is let go', async () => {
    const place = await ground.openPlace({ limits })
    const silent = await place.dial({})
    silent.on('error', () => silent.destroy())
    silent.resume()
    await eventually(() => silent.closed || silent.readableEnded, {
      describe: 'the end of a silent connection',
      deadlineMs: 5_000,
    })
  })
})

test('new certificates and a new authority drop no stream; who comes later sees them', async () => {
  const place = await ground.openPlace()
  const { near, far } = await openStream(place)
  let more: ServerResponse | undefined
  place.behaviour.onStream = (_request, reply) => {
    reply.writeHead(200, { 'content-type': 'text/plain' }).write('first\n')
    more = reply
  }
  const follower = await place.dial(ground.acme)
  follower.write(getText('/containerLogs/shop/web-0/main?follow=true'))
  const log = readAll(follower, (await readHead(follower)).rest)
  const old = near.getPeerX509Certificate()?.fingerprint256

  // Twice, as a renewal of one and then of the other: a serving certificate of the foreign authority, and tenants' certificates of it.
  for (const clients of [ground.agentPki, ground.foreignPki]) {
    place.agent.setCertificates(await readCertificates(agentFiles(ground.foreignPki, clients)))
    await talk(near, far)
  }
  const moved = await ground.tenantOf(ground.foreignPki, ground.acme.uid, 'acme')
  const later = await place.dial(moved, ground.foreignPki.ca)
  expect(later.getPeerX509Certificate()?.fingerprint256).not.toBe(old)
  place.behaviour.onUpgrade = (socket) => void socket.end(`${switching}`)
  later.write(upgradeText(execPath))
  expect((await readHead(later)).status).toBe(101)
  later.destroy()

  await talk(near, far)
  more?.end('last\n')
  expect((await log).text).toContain('last\n')
  near.destroy()
})
