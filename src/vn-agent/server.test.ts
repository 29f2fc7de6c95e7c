import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { KubeClient } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { agentClientSubject } from '../tenancy/identity.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation, tenantObjectUidAnnotation } from '../tenancy/marks.ts'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import { echoUpgrade, openTls, readAll, readHead, type StreamServer, startStreamServer } from '../testing/agent-peers.ts'
import { eventually } from '../testing/eventually.ts'
import { createTestPki, type TestPki } from '../testing/test-pki.ts'
import { type AgentCertificates, readCertificates } from './certificates.ts'
import { type AgentServer, createAgentServer } from './server.ts'
import { createSessions, type Sessions } from './sessions.ts'

interface TestTenant {
  readonly uid: string
  readonly name: string
  readonly clientCert: string
  readonly clientKey: string
}

const uids = { acme: '11111111-2222-3333-4444-555555555555', other: '99999999-2222-3333-4444-555555555555' }
const podUid = 'aaaaaaaa-0000-0000-0000-000000000001'

let folder: string
let agentPki: TestPki
let foreignPki: TestPki
let superPki: TestPki
let certificates: AgentCertificates
let acme: TestTenant
let other: TestTenant

const pkiIn = async (name: string): Promise<TestPki> => {
  const path = join(folder, name)
  await mkdir(path)
  return createTestPki(path)
}
const tenantOf = async (pki: TestPki, uid: string, name: string): Promise<TestTenant> => {
  const { commonName, organization } = agentClientSubject({ uid, name })
  return { uid, name, ...(await pki.client(commonName, [organization])) }
}
const pem = (pki: TestPki, name: string): Promise<string> => readFile(join(pki.folder, name), 'utf8')
const filesOf = (pki: TestPki, clientCa: TestPki) => ({
  cert: join(pki.folder, 'server.crt'),
  key: join(pki.folder, 'server.key'),
  clientCa: join(clientCa.folder, 'ca.crt'),
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-agent-'))
  ;[agentPki, foreignPki, superPki] = await Promise.all([pkiIn('agent'), pkiIn('foreign'), pkiIn('super')])
  ;[acme, other] = [await tenantOf(agentPki, uids.acme, 'acme'), await tenantOf(agentPki, uids.other, 'other')]
  certificates = await readCertificates(filesOf(agentPki, agentPki))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Super as far as one pod of each tenant goes; streams are the test's. */
const serveSuper =
  (onStream: (request: IncomingMessage, reply: ServerResponse) => void) =>
  (request: IncomingMessage, reply: ServerResponse): void => {
    for (const [name, uid] of Object.entries(uids)) {
      const namespace = superNamespace({ uid, name }, 'shop')
      const path = `/api/v1/namespaces/${namespace}/pods/web-0`
      if (request.url?.startsWith(`${path}/`)) return onStream(request, reply)
      if (request.url !== path) continue
      if (request.headers['impersonate-user'] !== tenantIdentity(uid)) break
      const metadata = {
        name: 'web-0',
        namespace,
        labels: { [tenantLabel]: uid },
        annotations: {
          [tenantNamespaceAnnotation]: 'shop',
          [tenantNameAnnotation]: 'web-0',
          [tenantObjectUidAnnotation]: podUid,
        },
      }
      reply
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata }))
      return
    }
    reply.writeHead(403, { 'content-type': 'application/json' })
    reply.end(JSON.stringify({ kind: 'Status', code: 403, reason: 'Forbidden', message: 'forbidden' }))
  }

interface Place {
  readonly port: number
  readonly agent: AgentServer
  readonly sessions: Sessions
  readonly superServer: StreamServer
  readonly lines: Record<string, unknown>[]
}

const cleanups: (() => Promise<void>)[] = []
let behaviour: { onStream: (request: IncomingMessage, reply: ServerResponse) => void; onUpgrade: typeof echoUpgrade }
let place: Place

const openPlace = async (perTenant = 5, superPort?: number, agentPort = 0): Promise<Place> => {
  const superServer = await startStreamServer({
    cert: await pem(superPki, 'server.crt'),
    key: await pem(superPki, 'server.key'),
    onRequest: serveSuper((request, reply) => behaviour.onStream(request, reply)),
    onUpgrade: (socket, request, head) => behaviour.onUpgrade(socket, request, head),
  })
  const connection = { server: `https://127.0.0.1:${superPort ?? superServer.port}`, ca: superPki.ca, token: () => 'agent-token' }
  const superClient: KubeClient = createKubeClient(connection, { userAgent: 'test' })
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const sessions = createSessions({ perTenant, log })
  const agent = createAgentServer(certificates, { superClient, superConnection: connection, sessions, log })
  const port = await agent.listen(agentPort, '127.0.0.1')
  cleanups.push(
    () => agent.stop(0),
    () => superServer.stop(),
    () => superClient.close(),
  )
  return { port, agent, sessions, superServer, lines }
}

beforeEach(async () => {
  behaviour = { onStream: (_request, reply) => void reply.writeHead(200).end('log\n'), onUpgrade: echoUpgrade }
  place = await openPlace()
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const dial = (tenant: Pick<TestTenant, 'clientCert' | 'clientKey'>, { port } = place): Promise<TLSSocket> =>
  openTls({ port, ca: agentPki.ca, cert: tenant.clientCert, key: tenant.clientKey })

const upgradeText = (path: string, protocol = 'SPDY/3.1', extra: readonly string[] = [], method = 'POST'): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: node', 'Connection: Upgrade', `Upgrade: ${protocol}`, ...extra, '', ''].join('\r\n')

const linesOf = (rawHeaders: readonly string[] = []): string[] =>
  rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []))

const execPath = '/exec/shop/web-0/main?command=cat&input=1&output=1'

/** One request on a connection of its own: status, head and whole body. */
const ask = async (tenant: TestTenant, text: string, at = place) => {
  const socket = await dial(tenant, at)
  socket.write(text)
  const answer = await readHead(socket)
  const { text: body } = await readAll(socket, answer.rest)
  socket.destroy()
  return { ...answer, body }
}
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n`

describe('upgrades', () => {
  test.for(['SPDY/3.1', 'websocket'])(
    'echo of 32 MiB over %s comes back byte for byte',
    { timeout: 60_000 },
    async (protocol) => {
      const sent = randomBytes(32 * 1024 * 1024)
      const socket = await dial(acme)
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
        tenant: uids.acme,
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
    const socket = await dial(acme)
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
      `Impersonate-User: ${tenantIdentity(uids.acme)}`,
      'X-Stream-Protocol-Version: v5.channel.k8s.io',
      'Connection: Upgrade',
      'Upgrade: SPDY/3.1',
      'Content-Length: 0',
    ])
    socket.destroy()
  })

  test('bytes that come together with a head are kept, both ways', async () => {
    behaviour.onUpgrade = (socket, _request, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly-down ')
      socket.write(head)
      socket.pipe(socket)
    }
    const socket = await dial(acme)
    socket.write(`${upgradeText(execPath)}early-up `)
    const answer = await readHead(socket)
    const all = readAll(socket, answer.rest)
    socket.end('late-up')
    expect((await all).text).toBe('early-down early-up late-up')
  })

  test('a reader that stops stops the writer', { timeout: 30_000 }, async () => {
    let superSocket: Socket | undefined
    behaviour.onUpgrade = (socket) => {
      superSocket = socket
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n')
      socket.pause()
    }
    const socket = await dial(acme)
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
    const socket = await dial(acme)
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
    const socket = await dial(acme)
    socket.write(upgradeText(execPath))
    await readHead(socket)
    socket.destroy()
    await eventually(() => place.sessions.active() === 0, { describe: 'the end of the session' })
  })

  test('an answer that is no upgrade is told, with its body', async () => {
    const message = `container not found in ${superNamespace(acme, 'shop')}`
    behaviour.onUpgrade = (socket) => {
      const body = JSON.stringify({ kind: 'Status', message })
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      )
    }
    expect(await ask(acme, upgradeText(execPath))).toMatchObject({ status: 400, body: 'container not found in shop\n' })
  })

  test.for<[name: string, text: string]>([
    ['without upgrade', `POST ${execPath} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`],
    ['with a second upgrade header', upgradeText(execPath, 'SPDY/3.1', ['Upgrade: websocket', 'Connection: close'])],
    ['with a body', `${upgradeText(execPath, 'SPDY/3.1', ['Content-Length: 4', 'Connection: close'])}body`],
    ['with two lengths', upgradeText(execPath, 'SPDY/3.1', ['Content-Length: 0', 'Content-Length: 5'])],
    ['with a chunked body', `${upgradeText(execPath, 'SPDY/3.1', ['Transfer-Encoding: chunked', 'Connection: close'])}0\r\n\r\n`],
  ])('%s never reaches super', async ([, text]) => {
    expect((await ask(acme, text)).status).toBe(400)
    expect(place.superServer.requests).toEqual([])
  })
})

describe('who is let in', () => {
  const refusedAtTls = async (wanted: { cert?: string; key?: string }): Promise<void> => {
    const before = place.superServer.requests.length
    const knock = async (): Promise<unknown> => {
      const socket = await openTls({ port: place.port, ca: agentPki.ca, ...wanted })
      socket.write(get('/containerLogs/shop/web-0/main'))
      return readHead(socket).finally(() => socket.destroy())
    }
    await expect(knock()).rejects.toThrow(/alert|ECONNRESET|ended before|EPIPE|hang up/)
    expect(place.superServer.requests.slice(before)).toEqual([])
  }

  test('nobody without a certificate', () => refusedAtTls({}))
  test('nobody with a certificate of another authority', async () => {
    const forged = await tenantOf(foreignPki, uids.acme, 'acme')
    await refusedAtTls({ cert: forged.clientCert, key: forged.clientKey })
  })
  test('nobody who signs a certificate for the UID of a victim', async () => {
    const { execFileSync } = await import('node:child_process')
    const file = (name: string): string => join(folder, name)
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      file('self.key'),
      '-out',
      file('self.crt'),
    ]
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', `/O=berth:tenant:acme/CN=${uids.acme}`], { stdio: 'ignore' })
    await refusedAtTls({ cert: await readFile(file('self.crt'), 'utf8'), key: await readFile(file('self.key'), 'utf8') })
  })
  test('nobody with a serving certificate of the same authority', async () => {
    await refusedAtTls({ cert: await pem(agentPki, 'server.crt'), key: await pem(agentPki, 'server.key') })
  })
  test('nobody over HTTP/2', async () => {
    const socket = await openTls({
      port: place.port,
      ca: agentPki.ca,
      cert: acme.clientCert,
      key: acme.clientKey,
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    expect(socket.alpnProtocol).toBe('http/1.1')
    socket.destroy()
  })
  test('a certificate of the authority that names no tenant gets 403', async () => {
    const stranger = { uid: '', name: '', ...(await agentPki.client('admin', ['system:masters'])) }
    expect((await ask(stranger, get('/containerLogs/shop/web-0/main'))).status).toBe(403)
    const two = { uid: '', name: '', ...(await agentPki.client(uids.acme, ['berth:tenant:acme', 'berth:tenant:other'])) }
    expect((await ask(two, get('/containerLogs/shop/web-0/main'))).status).toBe(403)
    expect(place.superServer.requests).toEqual([])
  })

  test('after a change of the authority the old certificates stay outside, also on a resumed session', async () => {
    const socket = await dial(acme)
    const sessions: Buffer[] = []
    socket.on('session', (session) => sessions.push(session))
    socket.write(get('/containerLogs/shop/web-0/main'))
    expect((await readHead(socket)).status).toBe(200)
    socket.destroy()
    place.agent.setCertificates(await readCertificates(filesOf(agentPki, foreignPki)))
    await refusedAtTls({ cert: acme.clientCert, key: acme.clientKey })
    for (const session of sessions) {
      const resumed = openTls({ port: place.port, ca: agentPki.ca, cert: acme.clientCert, key: acme.clientKey, session })
      const answer = resumed.then((again) => {
        again.write(get('/containerLogs/shop/web-0/main'))
        return readHead(again)
      })
      await expect(answer).rejects.toThrow()
    }
    const moved = await tenantOf(foreignPki, uids.acme, 'acme')
    expect((await ask(moved, get('/containerLogs/shop/web-0/main'))).status).toBe(200)
  })
})

describe('whose pod', () => {
  test('another tenant, an unknown pod, an unknown path and a wrong UID look the same', async () => {
    const paths = [
      '/containerLogs/shop/web-1/main',
      '/containerLogs/elsewhere/web-0/main',
      `/containerLogs/${superNamespace(other, 'shop')}/web-0/main`,
      '/nothing',
    ]
    const answers = await Promise.all(paths.map((path) => ask(acme, get(path))))
    const wrongUid = await ask(acme, upgradeText('/exec/shop/web-0/bbbbbbbb-0000/main?command=id&output=1'))
    const bodies = [...answers, wrongUid].map(({ status, body }) => `${status} ${body}`)
    expect(new Set(bodies)).toEqual(new Set(['404 not found\n']))
    expect((await ask(acme, get('/containerLogs/shop/web-0/main'))).status).toBe(200)
  })

  test('the right UID is let through', async () => {
    const socket = await dial(acme)
    socket.write(upgradeText(`/exec/shop/web-0/${podUid}/main?command=id&output=1`))
    expect((await readHead(socket)).status).toBe(101)
    socket.destroy()
  })
})

describe('logs', () => {
  test('a line comes at once, while the stream stays open', async () => {
    let more: ServerResponse | undefined
    behaviour.onStream = (_request, reply) => {
      reply.writeHead(200, { 'content-type': 'text/plain' }).write('first\n')
      more = reply
    }
    const socket = await dial(acme)
    socket.write(get('/containerLogs/shop/web-0/main?follow=true&tailLines=5'))
    const { rest } = await readHead(socket)
    const all = readAll(socket, rest)
    await eventually(() => place.superServer.requests.at(-1)?.url?.endsWith('/log?container=main&follow=true&tailLines=5'))
    expect(place.superServer.requests.at(-1)?.rawHeaders).not.toContain('Accept-Encoding')
    more?.end('last\n')
    expect((await all).text).toContain('first\n')
    expect((await all).text).toContain('last\n')
  })

  test('a tenant that goes away lets super go', async () => {
    let closed = false
    behaviour.onStream = (request, reply) => {
      reply.writeHead(200).write('first\n')
      request.socket.once('close', () => {
        closed = true
      })
    }
    const socket = await dial(acme)
    socket.write(get('/containerLogs/shop/web-0/main?follow=true'))
    await readHead(socket)
    socket.destroy()
    await eventually(() => closed && place.sessions.active() === 0, { describe: 'the end of the stream in super' })
  })

  test('a stream that breaks does not look complete', async () => {
    behaviour.onStream = (request, reply) => {
      reply.writeHead(200).write('first\n')
      setImmediate(() => request.socket.destroy())
    }
    const socket = await dial(acme)
    socket.write(get('/containerLogs/shop/web-0/main?follow=true'))
    const { rest } = await readHead(socket)
    const text = await readAll(socket, rest).then(
      (all) => all.text,
      () => '',
    )
    expect(text).not.toContain('0\r\n\r\n')
  })

  test('the reason why there is no log is told', async () => {
    behaviour.onStream = (_request, reply) => {
      reply
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ message: 'waiting to start: ContainerCreating' }))
    }
    const answer = await ask(acme, get('/containerLogs/shop/web-0/main'))
    expect(answer).toMatchObject({ status: 400, body: 'waiting to start: ContainerCreating\n' })
  })
})

describe('limits and stops', () => {
  test('one session too many gets 429, another tenant none the less gets in', async () => {
    const small = await openPlace(1)
    const socket = await dial(acme, small)
    socket.write(upgradeText(execPath))
    expect((await readHead(socket)).status).toBe(101)
    expect((await ask(acme, upgradeText(execPath), small)).status).toBe(429)
    expect((await ask(other, get('/containerLogs/shop/web-0/main'), small)).status).toBe(200)
    socket.destroy()
    await eventually(() => small.sessions.active() === 0)
    expect((await ask(acme, get('/containerLogs/shop/web-0/main'), small)).status).toBe(200)
  })

  test('a super that cannot be reached is said to be so', async () => {
    const lost = await openPlace(5, 1)
    const answer = await ask(acme, upgradeText(execPath), lost)
    expect(answer).toMatchObject({ status: 503, body: 'the super cluster does not answer; try again\n' })
    expect(lost.sessions.active()).toBe(0)
  })

  test('stopping lets running sessions end by themselves', async () => {
    const socket = await dial(acme)
    socket.write(upgradeText(execPath))
    const { rest } = await readHead(socket)
    const stopped = place.agent.stop(20_000)
    await expect(dial(acme)).rejects.toThrow()
    const all = readAll(socket, rest)
    socket.end('still here')
    expect((await all).text).toBe('still here')
    await stopped
  })

  test.runIf(process.platform === 'linux')(
    'while one agent stops, the next one on the same port takes new sessions',
    async () => {
      const socket = await dial(acme)
      socket.write(upgradeText(execPath))
      const { rest } = await readHead(socket)
      const next = await openPlace(5, undefined, place.port)
      expect(next.port).toBe(place.port)
      const stopped = place.agent.stop(20_000)
      for (let session = 0; session < 10; session += 1) {
        expect((await ask(acme, get('/containerLogs/shop/web-0/main'))).status).toBe(200)
      }
      expect(next.superServer.requests.filter(({ url }) => url?.includes('/log'))).toHaveLength(10)
      const all = readAll(socket, rest)
      socket.end('still here')
      expect((await all).text).toBe('still here')
      await stopped
    },
  )

  test('stopping ends at its deadline what does not end', async () => {
    const socket = await dial(acme)
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
