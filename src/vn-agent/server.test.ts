import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import { readAll, readHead } from '../testing/agent-peers.ts'
import {
  type AgentGround,
  type AgentPlace,
  type AgentTenant,
  getText,
  openAgentGround,
  upgradeText,
} from '../testing/agent-place.ts'
import { eventually } from '../testing/eventually.ts'

let ground: AgentGround
let place: AgentPlace
let acme: AgentTenant
let other: AgentTenant
beforeAll(async () => {
  ground = await openAgentGround()
  ;({ acme, other } = ground)
})
afterAll(() => ground?.remove())
beforeEach(async () => {
  place = await ground.openPlace()
})
afterEach(() => ground.clear())

const linesOf = (rawHeaders: readonly string[] = []): string[] =>
  rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []))

const execPath = '/exec/shop/web-0/main?command=cat&input=1&output=1'

describe('upgrades', () => {
  test.for(['SPDY/3.1', 'websocket'])(
    'echo of 32 MiB over %s comes back byte for byte',
    { timeout: 60_000 },
    async (protocol) => {
      const sent = randomBytes(32 * 1024 * 1024)
      const socket = await place.dial(acme)
      socket.write(upgradeText(execPath, protocol, protocol === 'websocket' ? ['Sec-WebSocket-Key: a2V5'] : []))
      const answer = await readHead(socket)
      expect(answer.head.split('\r\n')).toEqual([
        'HTTP/1.1 101 Switching Protocols',
        'Connection: Upgrade',
        `Upgrade: ${protocol}`,
        'X-Odd-Case: Kept',
      ])
      const all = readAll(socket, answer.rest)
      socket.end(sent)
      expect(await all).toMatchObject({ bytes: sent.length, sha256: createHash('sha256').update(sent).digest('hex') })
      const ended = await eventually(() => place.lines.find(({ msg }) => msg === 'session ended'), { describe: 'the log line' })
      expect(ended).toMatchObject({
        tenant: acme.uid,
        command: 'cat',
        result: 'closed',
        bytesUp: sent.length,
        bytesDown: sent.length,
      })
      expect(place.sessions.active()).toBe(0)
    },
  )

  test('super sees the identity of the tenant and nothing that a client says of itself', async () => {
    const claims = ['Authorization: Bearer stolen', 'Impersonate-User: system:admin', 'Impersonate-Group: system:masters']
    const socket = await place.dial(acme)
    const more = ['X-Remote-User: root', 'Cookie: a=b', 'X-Stream-Protocol-Version: v5.channel.k8s.io', 'Content-Length: 0']
    socket.write(upgradeText(execPath, 'SPDY/3.1', [...claims, ...more]))
    expect((await readHead(socket)).status).toBe(101)
    const request = place.superServer.requests.at(-1)
    const namespace = superNamespace(acme, 'shop')
    expect(request?.method).toBe('POST')
    expect(request?.url).toBe(`/api/v1/namespaces/${namespace}/pods/web-0/exec?container=main&command=cat&stdin=true&stdout=true`)
    expect(linesOf(request?.rawHeaders)).toEqual([
      `Host: 127.0.0.1:${place.superServer.port}`,
      'Authorization: Bearer agent-token',
      `Impersonate-User: ${tenantIdentity(acme.uid)}`,
      'X-Stream-Protocol-Version: v5.channel.k8s.io',
      'Connection: Upgrade',
      'Upgrade: SPDY/3.1',
      'Content-Length: 0',
    ])
    socket.destroy()
  })

  test('bytes that come together with a head are kept, both ways', async () => {
    place.behaviour.onUpgrade = (socket, _request, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly-down ')
      socket.write(head)
      socket.pipe(socket)
    }
    const socket = await place.dial(acme)
    socket.write(`${upgradeText(execPath)}early-up `)
    const answer = await readHead(socket)
    const all = readAll(socket, answer.rest)
    socket.end('late-up')
    expect((await all).text).toBe('early-down early-up late-up')
  })

  test('a reader that stops stops the writer', { timeout: 30_000 }, async () => {
    let superSocket: Socket | undefined
    place.behaviour.onUpgrade = (socket) => {
      superSocket = socket
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n')
      socket.pause()
    }
    const socket = await place.dial(acme)
    socket.write(upgradeText(execPath))
    await readHead(socket)
    const total = 128 * 1024 * 1024
    const chunk = Buffer.alloc(1024 * 1024)
    let sent = 0
    const write = (): void => {
      while (sent < total && socket.write(chunk)) sent += chunk.length
    }
    socket.on('drain', write)
    write()
    let before = -1
    await eventually(
      () => {
        const still = sent === before
        before = sent
        return still
      },
      { describe: 'a writer that stands still', everyMs: 500, deadlineMs: 20_000 },
    )
    expect(sent).toBeLessThan(total / 2)
    superSocket?.destroy()
    await eventually(() => socket.closed, { describe: 'the end of the writer' })
  })

  test('when super breaks, the tenant side breaks', async () => {
    const socket = await place.dial(acme)
    socket.on('error', () => socket.destroy())
    socket.write(upgradeText(execPath))
    await readHead(socket)
    socket.resume()
    place.superServer.reset()
    await eventually(() => place.sessions.active() === 0, { describe: 'the end of the session' })
    expect(place.lines.find(({ msg }) => msg === 'session ended')).toMatchObject({ result: 'super-lost' })
    await eventually(() => socket.readableEnded || socket.closed, { describe: 'the end of the tenant side' })
  })

  test('when the tenant breaks, super is let go', async () => {
    const socket = await place.dial(acme)
    socket.write(upgradeText(execPath))
    await readHead(socket)
    socket.destroy()
    await eventually(() => place.sessions.active() === 0, { describe: 'the end of the session' })
  })

  test('an answer that is no upgrade is told, with its body', async () => {
    const message = `container not found in ${superNamespace(acme, 'shop')}`
    place.behaviour.onUpgrade = (socket) => {
      const body = JSON.stringify({ kind: 'Status', message })
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      )
    }
    expect(await place.ask(acme, upgradeText(execPath))).toMatchObject({ status: 400, body: 'container not found in shop\n' })
  })

  test.for<[name: string, text: string]>([
    ['without upgrade', `POST ${execPath} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`],
    ['with a second upgrade header', upgradeText(execPath, 'SPDY/3.1', ['Upgrade: websocket', 'Connection: close'])],
    ['with a body', `${upgradeText(execPath, 'SPDY/3.1', ['Content-Length: 4', 'Connection: close'])}body`],
    ['with two lengths', upgradeText(execPath, 'SPDY/3.1', ['Content-Length: 0', 'Content-Length: 5'])],
    ['with a chunked body', `${upgradeText(execPath, 'SPDY/3.1', ['Transfer-Encoding: chunked', 'Connection: close'])}0\r\n\r\n`],
  ])('%s never reaches super', async ([, text]) => {
    expect((await place.ask(acme, text)).status).toBe(400)
    expect(place.superServer.requests).toEqual([])
  })
})

describe('limits and stops', () => {
  test('one session too many gets 429, another tenant none the less gets in', async () => {
    const small = await ground.openPlace({ perTenant: 1 })
    const socket = await small.dial(acme)
    socket.write(upgradeText(execPath))
    expect((await readHead(socket)).status).toBe(101)
    expect((await small.ask(acme, upgradeText(execPath))).status).toBe(429)
    expect((await small.ask(other, getText('/containerLogs/shop/web-0/main'))).status).toBe(200)
    socket.destroy()
    await eventually(() => small.sessions.active() === 0)
    expect((await small.ask(acme, getText('/containerLogs/shop/web-0/main'))).status).toBe(200)
  })

  test('a super that cannot be reached is said to be so', async () => {
    const lost = await ground.openPlace({ superPort: 1 })
    const answer = await lost.ask(acme, upgradeText(execPath))
    expect(answer).toMatchObject({ status: 503, body: 'the super cluster does not answer; try again\n' })
    expect(lost.sessions.active()).toBe(0)
  })

  test('stopping lets running sessions end by themselves', async () => {
    const socket = await place.dial(acme)
    socket.write(upgradeText(execPath))
    const { rest } = await readHead(socket)
    const stopped = place.agent.stop(20_000)
    await expect(place.dial(acme)).rejects.toThrow()
    const all = readAll(socket, rest)
    socket.end('still here')
    expect((await all).text).toBe('still here')
    await stopped
  })

  test.runIf(process.platform === 'linux')(
    'while one agent stops, the next one on the same port takes new sessions',
    async () => {
      const socket = await place.dial(acme)
      socket.write(upgradeText(execPath))
      const { rest } = await readHead(socket)
      const next = await ground.openPlace({ agentPort: place.port })
      expect(next.port).toBe(place.port)
      const stopped = place.agent.stop(20_000)
      for (let session = 0; session < 10; session += 1) {
        expect((await place.ask(acme, getText('/containerLogs/shop/web-0/main'))).status).toBe(200)
      }
      expect(next.superServer.requests.filter(({ url }) => url?.includes('/log'))).toHaveLength(10)
      const all = readAll(socket, rest)
      socket.end('still here')
      expect((await all).text).toBe('still here')
      await stopped
    },
  )

  test('stopping ends at its deadline what does not end', async () => {
    const socket = await place.dial(acme)
    socket.on('error', () => socket.destroy())
    socket.write(upgradeText(execPath))
    await readHead(socket)
    socket.resume()
    await place.agent.stop(50)
    expect(place.sessions.active()).toBe(0)
    expect(place.lines.find(({ msg }) => msg === 'session ended')).toMatchObject({ result: 'aborted' })
    await eventually(() => socket.readableEnded || socket.closed)
  })
})
