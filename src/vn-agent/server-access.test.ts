import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { superNamespace } from '../tenancy/names.ts'
import { openTls, readAll, readHead } from '../testing/agent-peers.ts'
import {
  type AgentGround,
  type AgentPlace,
  type AgentTenant,
  agentFiles,
  agentPodUid,
  getText,
  openAgentGround,
  upgradeText,
} from '../testing/agent-place.ts'
import { eventually } from '../testing/eventually.ts'
import type { TestPki } from '../testing/test-pki.ts'
import { readCertificates } from './certificates.ts'

let ground: AgentGround
let place: AgentPlace
let acme: AgentTenant
let other: AgentTenant
let agentPki: TestPki
let foreignPki: TestPki
beforeAll(async () => {
  ground = await openAgentGround()
  ;({ acme, other, agentPki, foreignPki } = ground)
})
afterAll(() => ground?.remove())
beforeEach(async () => {
  place = await ground.openPlace()
})
afterEach(() => ground.clear())

const pem = (pki: TestPki, name: string): Promise<string> => readFile(join(pki.folder, name), 'utf8')

describe('who is let in', () => {
  const refusedAtTls = async (wanted: { cert?: string; key?: string }): Promise<void> => {
    const before = place.superServer.requests.length
    const knock = async (): Promise<unknown> => {
      const socket = await openTls({ port: place.port, ca: agentPki.ca, ...wanted })
      socket.write(getText('/containerLogs/shop/web-0/main'))
      return readHead(socket).finally(() => socket.destroy())
    }
    await expect(knock()).rejects.toThrow(/alert|ECONNRESET|ended before|EPIPE|hang up/)
    expect(place.superServer.requests.slice(before)).toEqual([])
  }

  test('nobody without a certificate and a token', async () => {
    for (const text of [
      getText('/containerLogs/shop/web-0/main'),
      getText('/metrics/resource'),
      getText('/nothing'),
      upgradeText('/exec/shop/web-0/main?command=id&output=1'),
    ]) {
      expect(await place.ask({}, text)).toMatchObject({ status: 401, body: 'Unauthorized\n' })
    }
    expect(place.superServer.requests).toEqual([])
  })
  test('no token to a session, whatever it is worth', async () => {
    const allowed = { kind: 'allowed', tenant: acme } as const
    const open = await ground.openPlace({ tokens: { decide: () => Promise.resolve(allowed) } })
    const withToken = (text: string): string => text.replace('Host:', 'Authorization: Bearer good\r\nHost:')
    for (const text of [getText('/containerLogs/shop/web-0/main'), upgradeText('/exec/shop/web-0/main?command=id&output=1')]) {
      expect((await open.ask({}, withToken(text))).status).toBe(403)
    }
    expect(open.superServer.requests).toEqual([])
  })
  test('nobody with a certificate of another authority', async () => {
    const forged = await ground.tenantOf(foreignPki, acme.uid, 'acme')
    await refusedAtTls({ cert: forged.clientCert, key: forged.clientKey })
  })
  test('nobody who signs a certificate for the UID of a victim', async () => {
    const file = (name: string): string => join(ground.folder, name)
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
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', `/O=berth:tenant:acme/CN=${acme.uid}`], { stdio: 'ignore' })
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
    expect((await place.ask(stranger, getText('/containerLogs/shop/web-0/main'))).status).toBe(403)
    const two = { uid: '', name: '', ...(await agentPki.client(acme.uid, ['berth:tenant:acme', 'berth:tenant:other'])) }
    expect((await place.ask(two, getText('/containerLogs/shop/web-0/main'))).status).toBe(403)
    expect(place.superServer.requests).toEqual([])
  })

  test('after a change of the authority the old certificates stay outside, also on a resumed session', async () => {
    const socket = await place.dial(acme)
    const sessions: Buffer[] = []
    socket.on('session', (session) => sessions.push(session))
    socket.write(getText('/containerLogs/shop/web-0/main'))
    expect((await readHead(socket)).status).toBe(200)
    socket.destroy()
    place.agent.setCertificates(await readCertificates(agentFiles(agentPki, foreignPki)))
    await refusedAtTls({ cert: acme.clientCert, key: acme.clientKey })
    for (const session of sessions) {
      const resumed = openTls({ port: place.port, ca: agentPki.ca, cert: acme.clientCert, key: acme.clientKey, session })
      const answer = resumed.then((again) => {
        again.write(getText('/containerLogs/shop/web-0/main'))
        return readHead(again)
      })
      await expect(answer).rejects.toThrow()
    }
    const moved = await ground.tenantOf(foreignPki, acme.uid, 'acme')
    expect((await place.ask(moved, getText('/containerLogs/shop/web-0/main'))).status).toBe(200)
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
    const answers = await Promise.all(paths.map((path) => place.ask(acme, getText(path))))
    const wrongUid = await place.ask(acme, upgradeText('/exec/shop/web-0/bbbbbbbb-0000/main?command=id&output=1'))
    const bodies = [...answers, wrongUid].map(({ status, body }) => `${status} ${body}`)
    expect(new Set(bodies)).toEqual(new Set(['404 not found\n']))
    expect((await place.ask(acme, getText('/containerLogs/shop/web-0/main'))).status).toBe(200)
  })

  test('the right UID is let through', async () => {
    const socket = await place.dial(acme)
    socket.write(upgradeText(`/exec/shop/web-0/${agentPodUid}/main?command=id&output=1`))
    expect((await readHead(socket)).status).toBe(101)
    socket.destroy()
  })
})

describe('logs', () => {
  test('a line comes at once, while the stream stays open', async () => {
    let more: ServerResponse | undefined
    place.behaviour.onStream = (_request, reply) => {
      reply.writeHead(200, { 'content-type': 'text/plain' }).write('first\n')
      more = reply
    }
    const socket = await place.dial(acme)
    socket.write(getText('/containerLogs/shop/web-0/main?follow=true&tailLines=5'))
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
    place.behaviour.onStream = (request, reply) => {
      reply.writeHead(200).write('first\n')
      request.socket.once('close', () => {
        closed = true
      })
    }
    const socket = await place.dial(acme)
    socket.write(getText('/containerLogs/shop/web-0/main?follow=true'))
    await readHead(socket)
    socket.destroy()
    await eventually(() => closed && place.sessions.active() === 0, { describe: 'the end of the stream in super' })
  })

  test('a stream that breaks does not look complete', async () => {
    place.behaviour.onStream = (request, reply) => {
      reply.writeHead(200).write('first\n')
      setImmediate(() => request.socket.destroy())
    }
    const socket = await place.dial(acme)
    socket.write(getText('/containerLogs/shop/web-0/main?follow=true'))
    const { rest } = await readHead(socket)
    const text = await readAll(socket, rest).then(
      (all) => all.text,
      () => '',
    )
    expect(text).not.toContain('0\r\n\r\n')
  })

  test('the reason why there is no log is told', async () => {
    place.behaviour.onStream = (_request, reply) => {
      reply
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ message: 'waiting to start: ContainerCreating' }))
    }
    const answer = await place.ask(acme, getText('/containerLogs/shop/web-0/main'))
    expect(answer).toMatchObject({ status: 400, body: 'waiting to start: ContainerCreating\n' })
  })
})
