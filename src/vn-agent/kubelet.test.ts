import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type StreamServer, startStreamServer } from '../testing/agent-peers.ts'
import { type AgentGround, openAgentGround } from '../testing/agent-place.ts'
import { createKubelet, type Kubelet, type KubeletPlace, kubeletConnection } from './kubelet.ts'

let ground: AgentGround
let server: StreamServer
let answer: (request: IncomingMessage, reply: ServerResponse) => void
let time: number
let kubelet: Kubelet

const placeOf = (change: Partial<KubeletPlace> = {}): KubeletPlace => ({
  address: '127.0.0.1',
  port: server.port,
  caFile: join(ground.agentPki.folder, 'ca.crt'),
  insecure: false,
  ...change,
})
const kubeletAt = (place: KubeletPlace): Kubelet =>
  createKubelet({
    connect: () => kubeletConnection(place, { token: () => 'agent-token' }),
    isTenants: (name) => name === 'tenants',
    now: () => time,
  })

beforeAll(async () => {
  ground = await openAgentGround()
})
afterAll(() => ground?.remove())
beforeEach(async () => {
  const file = (name: string): Promise<string> => readFile(join(ground.agentPki.folder, name), 'utf8')
  server = await startStreamServer({
    cert: await file('server.crt'),
    key: await file('server.key'),
    onRequest: (request, reply) => answer(request, reply),
  })
  answer = (_request, reply) => void reply.writeHead(200).end('pod_up{namespace="tenants",pod="a"} 1\n')
  time = 0
  kubelet = kubeletAt(placeOf())
})
afterEach(() => server.stop())

describe('a page', () => {
  test('comes with the account of the agent, as text, and names nobody else', async () => {
    await kubelet.metrics('/metrics/resource')
    const [request] = server.requests
    expect(request?.url).toBe('/metrics/resource')
    const headers = request?.rawHeaders ?? []
    expect(headers).toEqual(expect.arrayContaining(['Bearer agent-token', 'text/plain; version=0.0.4']))
    expect(headers).not.toContain('Impersonate-User')
  })

  test('is read once for all who ask within five seconds', async () => {
    const first = await Promise.all([kubelet.metrics('/metrics/resource'), kubelet.metrics('/metrics/resource')])
    time = 4_000
    expect(await kubelet.metrics('/metrics/resource')).toBe(first[0])
    expect(server.requests).toHaveLength(1)
    time = 6_000
    expect((await kubelet.metrics('/metrics/resource')).at).toBeGreaterThan(first[0].at)
  })

  test('that fails is asked for again, but not at once', async () => {
    answer = (_request, reply) => void reply.writeHead(500).end('no')
    await expect(kubelet.summary()).rejects.toMatchObject({ code: 'KUBE_SERVER_ERROR' })
    await expect(kubelet.summary()).rejects.toMatchObject({ code: 'KUBE_SERVER_ERROR' })
    expect(server.requests).toHaveLength(1)
    answer = (_request, reply) => void reply.writeHead(200).end('{"pods":[]}')
    time = 2_000
    expect((await kubelet.summary()).content).toEqual({ pods: [] })
  })

  test.for<[name: string, path: 'metrics' | 'summary']>([
    ['without end', 'metrics'],
    ['of statistics without end', 'summary'],
  ])('%s is cut off', async ([, path]) => {
    let written = 0
    let closed = false
    answer = (request, reply) => {
      request.socket.once('close', () => {
        closed = true
      })
      const line = Buffer.from(`pod_up{namespace="others",pod="${'x'.repeat(1000)}"} 1\n`.repeat(1000))
      const write = (): void => {
        while (!closed) {
          written += line.length
          if (!reply.write(line)) return void reply.once('drain', write)
        }
      }
      reply.writeHead(200)
      write()
    }
    const read = path === 'metrics' ? kubelet.metrics('/metrics/cadvisor') : kubelet.summary()
    await expect(read).rejects.toMatchObject({ code: 'KUBE_TOO_LARGE' })
    expect(written).toBeLessThan(64 * 1024 * 1024)
  })

  test('with a line without end is cut off', async () => {
    answer = (_request, reply) => void reply.writeHead(200).end('x'.repeat(1024 * 1024))
    await expect(kubelet.metrics('/metrics/cadvisor')).rejects.toMatchObject({ code: 'KUBE_TOO_LARGE' })
  })

  test('that breaks off is no page', async () => {
    answer = (request, reply) => {
      reply.writeHead(200).write('pod_up{namespace="tenants",pod="a"} 1\n')
      setImmediate(() => request.socket.destroy())
    }
    await expect(kubelet.metrics('/metrics/resource')).rejects.toThrow()
  })
})

describe('whether it is the kubelet', () => {
  test('a certificate of another authority gets no token', async () => {
    const foreign = kubeletAt(placeOf({ caFile: join(ground.foreignPki.folder, 'ca.crt') }))
    await expect(foreign.summary()).rejects.toMatchObject({ code: 'KUBE_UNREACHABLE' })
    expect(server.requests).toEqual([])
  })

  test('unless that is what was asked for', async () => {
    const careless = kubeletAt(placeOf({ caFile: 'nowhere', insecure: true }))
    expect((await careless.metrics('/metrics/resource')).content.families).toHaveLength(1)
  })

  test('a missing authority is said to be so', async () => {
    await expect(kubeletAt(placeOf({ caFile: '/nowhere/ca.crt' })).summary()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
