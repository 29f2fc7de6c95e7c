import { readFile, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTls, readHead, type StreamServer, startStreamServer } from '../testing/agent-peers.ts'
import { type AgentGround, agentFiles, openAgentGround, serveSuper, upgradeText } from '../testing/agent-place.ts'
import { type Child, startChild } from '../testing/child.ts'
import { eventually } from '../testing/eventually.ts'
import { freePorts } from '../testing/ports.ts'

// The agent is a process of its own here: what it holds can be measured from the outside.
const streams = 20
const offeredBytes = 64 * 1024 * 1024
/** What 20 streams that stand still may cost: 64 KiB to read, 64 KiB to write and TLS's own, both ways, each; and the garbage of getting there. */
const boundBytes = 96 * 1024 * 1024

let ground: AgentGround
let superServer: StreamServer
let agent: Child
let port: number
let farEnds: Socket[] = []

const residentBytes = async (): Promise<number> => {
  const status = await readFile(`/proc/${agent.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

beforeAll(async () => {
  ground = await openAgentGround()
  const file = (name: string): string => join(ground.agentPki.folder, name)
  superServer = await startStreamServer({
    cert: await readFile(file('server.crt'), 'utf8'),
    key: await readFile(file('server.key'), 'utf8'),
    onRequest: serveSuper((_request, reply) => void reply.writeHead(404).end()),
    onUpgrade: (socket) => {
      socket.on('error', () => socket.destroy())
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n')
      farEnds.push(socket)
    },
  })
  const kubeconfig = file('super.kubeconfig')
  const cluster = { server: `https://127.0.0.1:${superServer.port}`, 'certificate-authority': file('ca.crt') }
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'super',
      clusters: [{ name: 'super', cluster }],
      users: [{ name: 'agent', user: { token: 'agent-token' } }],
      contexts: [{ name: 'super', context: { cluster: 'super', user: 'agent' } }],
    }),
  )
  const [agentPort = 0, healthPort = 0] = await freePorts(2)
  port = agentPort
  const { cert, key, clientCa } = agentFiles(ground.agentPki, ground.agentPki)
  const flags = {
    kubeconfig,
    port,
    'health-port': healthPort,
    host: '127.0.0.1',
    'node-name': 'n1',
    'cert-file': cert,
    'key-file': key,
    'client-ca-file': clientCa,
    'log-level': 'warn',
  }
  const script = join(import.meta.dirname, '../bin/vn-agent.ts')
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  agent = startChild(process.execPath, [script, ...args], file('agent.log'))
  // This super lists no tenants, so the agent is never ready for all; sessions need none.
  const checks = () => fetch(`http://127.0.0.1:${healthPort}/readyz`).then((answer) => answer.text())
  await eventually(async () => /^\[\+\] ?port/m.test(await checks()), { describe: 'an agent that listens', deadlineMs: 30_000 })
})
afterAll(async () => {
  await agent?.end('SIGKILL')
  await superServer?.stop()
  await ground?.remove()
})

/** Writes until the socket takes no more or all is written; what it took. */
const pour = (socket: Socket, bytes: number): { readonly taken: () => number } => {
  const chunk = Buffer.alloc(256 * 1024)
  let taken = 0
  const write = (): void => {
    while (taken < bytes && !socket.destroyed) {
      taken += chunk.length
      if (!socket.write(chunk)) return
    }
  }
  socket.on('drain', write)
  write()
  return { taken: () => taken }
}

describe('readers that stop', () => {
  test.for(['up', 'down'] as const)('%s: 20 streams with 64 MiB each to carry cost the agent no memory', async (direction) => {
    farEnds = []
    const near: TLSSocket[] = []
    for (let stream = 0; stream < streams; stream += 1) {
      const { clientCert: cert, clientKey: key } = ground.acme
      const socket = await openTls({ port, ca: ground.agentPki.ca, cert, key })
      socket.on('error', () => socket.destroy())
      socket.write(upgradeText('/exec/shop/web-0/main?command=cat&input=1&output=1'))
      expect((await readHead(socket)).status).toBe(101)
      near.push(socket)
    }
    const before = await residentBytes()
    const writers = direction === 'up' ? near : farEnds
    for (const reader of direction === 'up' ? farEnds : near) reader.pause()
    const poured = writers.map((socket) => pour(socket, offeredBytes))
    const total = (): number => poured.reduce((sum, { taken }) => sum + taken(), 0)
    let last = -1
    await eventually(
      () => {
        const still = total() === last
        last = total()
        return still
      },
      { describe: 'writers that stand still', everyMs: 1_000, deadlineMs: 30_000 },
    )
    await pause(500)
    const grown = (await residentBytes()) - before
    for (const socket of [...near, ...farEnds]) socket.destroy()
    expect(last).toBeLessThan((streams * offeredBytes) / 4)
    expect(grown).toBeLessThan(boundBytes)
  })
})
