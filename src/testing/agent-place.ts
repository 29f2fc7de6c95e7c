import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { pino } from 'pino'
import { createKubeClient } from '../kube/undici-client.ts'
import { agentClientSubject } from '../tenancy/identity.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation, tenantObjectUidAnnotation } from '../tenancy/marks.ts'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import { plain } from '../vn-agent/answers.ts'
import { readCertificates } from '../vn-agent/certificates.ts'
import type { NodeReads } from '../vn-agent/node-reads.ts'
import { type AgentServer, createAgentServer, type RequestLimits } from '../vn-agent/server.ts'
import { createSessions, type Sessions } from '../vn-agent/sessions.ts'
import type { TokenAccess } from '../vn-agent/token-access.ts'
import { apiWay } from '../vn-agent/way.ts'
import { echoUpgrade, openTls, type RawAnswer, readAll, readHead, type StreamServer, startStreamServer } from './agent-peers.ts'
import { createTestPki, type TestPki } from './test-pki.ts'

/** Who dials: with the certificate of a tenant, or without any. */
export type AgentClient = Partial<Pick<AgentTenant, 'clientCert' | 'clientKey'>>

export interface AgentTenant {
  readonly uid: string
  readonly name: string
  readonly clientCert: string
  readonly clientKey: string
}

const uids = { acme: '11111111-2222-3333-4444-555555555555', other: '99999999-2222-3333-4444-555555555555' }
/** UID, in the tenant, of the one pod that each tenant has: `web-0` in `shop`. */
export const agentPodUid = 'aaaaaaaa-0000-0000-0000-000000000001'

/** What super does with a stream; a test may change it while the place is open. */
export interface SuperBehaviour {
  onStream: (request: IncomingMessage, reply: ServerResponse) => void
  onUpgrade: typeof echoUpgrade
}

/** One agent on loopback with a super of the test's behind it. */
export interface AgentPlace {
  readonly port: number
  readonly agent: AgentServer
  readonly sessions: Sessions
  readonly superServer: StreamServer
  readonly behaviour: SuperBehaviour
  /** The agent's log. */
  readonly lines: readonly Record<string, unknown>[]
  /** Without a certificate when the client has none. */
  dial(client: AgentClient, ca?: string): Promise<TLSSocket>
  /** One request on a connection of its own: status, head and whole body. */
  ask(client: AgentClient, text: string): Promise<RawAnswer & { readonly body: string }>
}

export interface AgentPlaceOptions {
  readonly perTenant?: number
  readonly superPort?: number
  readonly agentPort?: number
  readonly limits?: RequestLimits
  /** Default: no token is good. */
  readonly tokens?: TokenAccess
  /** Default: nothing of the node can be read. */
  readonly reads?: NodeReads
}

/** Certificate authorities and tenants that several places share. */
export interface AgentGround {
  readonly folder: string
  readonly agentPki: TestPki
  /** An authority that the agent does not know. */
  readonly foreignPki: TestPki
  readonly acme: AgentTenant
  readonly other: AgentTenant
  tenantOf(pki: TestPki, uid: string, name: string): Promise<AgentTenant>
  openPlace(options?: AgentPlaceOptions): Promise<AgentPlace>
  /** Ends all places; the ground stays. */
  clear(): Promise<void>
  remove(): Promise<void>
}

/** Files of the agent: a serving certificate of one authority, clients of another. */
export const agentFiles = (serving: TestPki, clients: TestPki) => ({
  cert: join(serving.folder, 'server.crt'),
  key: join(serving.folder, 'server.key'),
  clientCa: join(clients.folder, 'ca.crt'),
})

export const upgradeText = (path: string, protocol = 'SPDY/3.1', extra: readonly string[] = []): string =>
  [`POST ${path} HTTP/1.1`, 'Host: node', 'Connection: Upgrade', `Upgrade: ${protocol}`, ...extra, '', ''].join('\r\n')

export const getText = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n`

/** Super as far as one pod of each tenant goes; streams are the test's. */
export const serveSuper =
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
        uid: `super-${uid}`,
        labels: { [tenantLabel]: uid },
        annotations: {
          [tenantNamespaceAnnotation]: 'shop',
          [tenantNameAnnotation]: 'web-0',
          [tenantObjectUidAnnotation]: agentPodUid,
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

const noToken: TokenAccess = { decide: () => Promise.resolve({ kind: 'refused', status: 401, message: 'Unauthorized' }) }
const noReads: NodeReads = { answer: () => Promise.resolve(plain(503, 'no node')) }

const pkiIn = async (folder: string, name: string): Promise<TestPki> => {
  const path = join(folder, name)
  await mkdir(path)
  return createTestPki(path)
}

const tenantOf = async (pki: TestPki, uid: string, name: string): Promise<AgentTenant> => {
  const { commonName, organization } = agentClientSubject({ uid, name })
  return { uid, name, ...(await pki.client(commonName, [organization])) }
}

export const openAgentGround = async (): Promise<AgentGround> => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-agent-'))
  const [agentPki, foreignPki, superPki] = await Promise.all(['agent', 'foreign', 'super'].map((name) => pkiIn(folder, name)))
  if (!agentPki || !foreignPki || !superPki) throw new Error('an authority is missing')
  const certificates = await readCertificates(agentFiles(agentPki, agentPki))
  const [cert, key] = await Promise.all(['server.crt', 'server.key'].map((name) => readFile(join(superPki.folder, name), 'utf8')))
  const cleanups: (() => Promise<void>)[] = []

  const openPlace: AgentGround['openPlace'] = async ({
    perTenant = 5,
    superPort,
    agentPort = 0,
    tokens = noToken,
    reads = noReads,
    limits,
  } = {}) => {
    const behaviour: SuperBehaviour = {
      onStream: (_request, reply) => void reply.writeHead(200).end('log\n'),
      onUpgrade: echoUpgrade,
    }
    const superServer = await startStreamServer({
      cert: cert ?? '',
      key: key ?? '',
      onRequest: serveSuper((request, reply) => behaviour.onStream(request, reply)),
      onUpgrade: (socket, request, head) => behaviour.onUpgrade(socket, request, head),
    })
    const superConnection = {
      server: `https://127.0.0.1:${superPort ?? superServer.port}`,
      ca: superPki.ca,
      token: () => 'agent-token',
    }
    const superClient = createKubeClient(superConnection, { userAgent: 'test' })
    const lines: Record<string, unknown>[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
    const sessions = createSessions({ perTenant, log })
    const deps = { superClient, way: apiWay(superConnection), sessions, log, tokens, reads }
    const agent = createAgentServer(certificates, { ...deps, ...(limits && { limits }) })
    const port = await agent.listen(agentPort, '127.0.0.1')
    cleanups.push(
      () => agent.stop(0),
      () => superServer.stop(),
      () => superClient.close(),
    )
    const dial: AgentPlace['dial'] = ({ clientCert, clientKey }, ca = agentPki.ca) =>
      openTls({ port, ca, ...(clientCert && { cert: clientCert }), ...(clientKey && { key: clientKey }) })
    const ask: AgentPlace['ask'] = async (tenant, text) => {
      const socket = await dial(tenant)
      socket.write(text)
      const answer = await readHead(socket)
      const { text: body } = await readAll(socket, answer.rest)
      socket.destroy()
      return { ...answer, body }
    }
    return { port, agent, sessions, superServer, behaviour, lines, dial, ask }
  }
  const clear = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0)) await cleanup()
  }
  return {
    folder,
    agentPki,
    foreignPki,
    acme: await tenantOf(agentPki, uids.acme, 'acme'),
    other: await tenantOf(agentPki, uids.other, 'other'),
    tenantOf,
    openPlace,
    clear,
    remove: async () => {
      await clear()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
