import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { agentClientSubject } from '../tenancy/identity.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation, tenantObjectUidAnnotation } from '../tenancy/marks.ts'
import { superNamespace, systemNamespace, tenantIdentityName, tenantIdentityNamespace } from '../tenancy/names.ts'
import { openTls, readAll, readHead, type StreamServer, startStreamServer } from '../testing/agent-peers.ts'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { createTestPki, type TestPki } from '../testing/test-pki.ts'
import { readCertificates } from './certificates.ts'
import { type AgentServer, createAgentServer } from './server.ts'
import { createSessions } from './sessions.ts'

// A real API server is super. Only what it would find behind a node's kubelet port is ours, so that bytes can be compared.
const acme = { uid: '11111111-2222-3333-4444-555555555555', name: 'acme' }
const other = { uid: '99999999-2222-3333-4444-555555555555', name: 'other' }
const manifest = join(import.meta.dirname, '../../manifests/base/vn-agent.yaml')

let superApi: TestApiServer
let agentPki: TestPki
let kubelet: StreamServer
let agent: AgentServer
let port: number

const create = (type: ResourceType, object: KubeObject): Promise<KubeObject> => superApi.client.create(type, object)

const agentRules = async (): Promise<void> => {
  const documents = parseAllDocuments(await readFile(manifest, 'utf8')).map((document) => document.toJS() as KubeObject)
  for (const [kind, type] of Object.entries({ Role: resourceTypes.roles, RoleBinding: resourceTypes.roleBindings })) {
    for (const object of documents.filter((document) => document.kind === kind)) await create(type, object)
  }
}

const placeTenant = async (tenant: typeof acme): Promise<void> => {
  const namespace = superNamespace(tenant, 'shop')
  await create(resourceTypes.namespaces, { metadata: { name: namespace } })
  await create(resourceTypes.roleBindings, {
    metadata: { name: 'berth-tenant', namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'test:tenant' },
    subjects: [{ kind: 'ServiceAccount', namespace: tenantIdentityNamespace, name: tenantIdentityName(tenant.uid) }],
  })
  await create(resourceTypes.pods, {
    metadata: {
      name: 'web-0',
      namespace,
      labels: { [tenantLabel]: tenant.uid },
      annotations: {
        [tenantNamespaceAnnotation]: 'shop',
        [tenantNameAnnotation]: 'web-0',
        [tenantObjectUidAnnotation]: `pod-of-${tenant.name}`,
      },
    },
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'main' }] },
  })
}

beforeAll(async () => {
  superApi = await startApiServer()
  const agentFolder = join(superApi.folder, 'agent')
  await mkdir(agentFolder)
  agentPki = await createTestPki(agentFolder)
  const pem = (name: string): Promise<string> => readFile(join(agentFolder, name), 'utf8')
  kubelet = await startStreamServer({
    cert: await pem('server.crt'),
    key: await pem('server.key'),
    onRequest: (request, reply) => {
      reply.writeHead(200, { 'content-type': 'text/plain' }).end(`log of ${request.url}\n`)
    },
  })
  await create(resourceTypes.nodes, { metadata: { name: 'n1' } })
  const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }]
  const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } } }
  await superApi.client.patch(resourceTypes.nodes, { name: 'n1' }, { status }, { type: 'merge', subresource: 'status' })
  await create(resourceTypes.clusterRoles, {
    metadata: { name: 'test:tenant' },
    rules: [
      { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/exec', 'pods/attach', 'pods/portforward'], verbs: ['get', 'create'] },
    ],
  })
  for (const name of [systemNamespace, tenantIdentityNamespace]) await create(resourceTypes.namespaces, { metadata: { name } })
  await agentRules()
  await placeTenant(acme)
  await placeTenant(other)

  const superConnection = await superApi.connectionAs(`system:serviceaccount:${systemNamespace}:berth-vn-agent`)
  const log = pino({ level: 'silent' })
  agent = createAgentServer(
    await readCertificates({
      cert: join(agentFolder, 'server.crt'),
      key: join(agentFolder, 'server.key'),
      clientCa: join(agentFolder, 'ca.crt'),
    }),
    {
      superClient: createKubeClient(superConnection, { userAgent: 'test-agent' }),
      superConnection,
      sessions: createSessions({ perTenant: 20, log }),
      log,
    },
  )
  port = await agent.listen(0, '127.0.0.1')
})

afterAll(async () => {
  await agent?.stop(0)
  await kubelet?.stop()
  await superApi?.stop()
})

const dial = async (tenant: typeof acme) => {
  const { commonName, organization } = agentClientSubject(tenant)
  const { clientCert, clientKey } = await agentPki.client(commonName, [organization])
  return openTls({ port, ca: agentPki.ca, cert: clientCert, key: clientKey })
}

const ask = async (tenant: typeof acme, lines: readonly string[]) => {
  const socket = await dial(tenant)
  socket.write([...lines, 'Host: node', '', ''].join('\r\n'))
  const answer = await readHead(socket)
  const { text } = await readAll(socket, answer.rest)
  socket.destroy()
  return { status: answer.status, text }
}
const log = (path: string): string[] => [`GET /containerLogs/${path} HTTP/1.1`, 'Connection: close']
const exec = (path: string, protocol = 'SPDY/3.1', extra: readonly string[] = []): string[] => [
  `POST /exec/${path}?command=cat&input=1&output=1 HTTP/1.1`,
  'Connection: Upgrade',
  `Upgrade: ${protocol}`,
  'Content-Length: 0',
  ...extra,
]

test('a log comes through super, with every option', async () => {
  const answer = await ask(
    acme,
    log('shop/web-0/main?follow=true&limitBytes=99&sinceSeconds=7&stream=All&tailLines=3&timestamps=true'),
  )
  expect(answer.status).toBe(200)
  const namespace = superNamespace(acme, 'shop')
  expect(answer.text).toContain(
    `log of /containerLogs/${namespace}/web-0/main?follow=true&limitBytes=99&sinceSeconds=7&tailLines=3&timestamps=true`,
  )
})

test.for(['SPDY/3.1', 'websocket'])('32 MiB over %s come back byte for byte through super', async (protocol) => {
  const sent = randomBytes(32 * 1024 * 1024)
  const socket = await dial(acme)
  const webSocket = [
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: v4.channel.k8s.io',
  ]
  const lines = exec(
    'shop/web-0/main',
    protocol,
    protocol === 'websocket' ? webSocket : ['X-Stream-Protocol-Version: v5.channel.k8s.io'],
  )
  socket.write([...lines, 'Host: node', '', ''].join('\r\n'))
  const answer = await readHead(socket)
  expect(answer.status).toBe(101)
  // super closes both directions as soon as one has ended, so the end is sent when all has come back.
  const hash = createHash('sha256').update(answer.rest)
  let bytes = answer.rest.length
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  socket.resume()
  socket.write(sent)
  await eventually(() => bytes >= sent.length, { deadlineMs: 60_000, describe: 'the echo' })
  expect(bytes).toBe(sent.length)
  expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'))
  expect(kubelet.requests.at(-1)?.url).toBe(`/exec/${superNamespace(acme, 'shop')}/web-0/main?command=cat&input=1&output=1`)
  socket.destroy()
})

describe('pods of others and of nobody look the same', () => {
  test.for<[name: string, path: string]>([
    ['an unknown pod', 'shop/web-9/main'],
    ['an unknown namespace', 'elsewhere/web-0/main'],
    ['the super namespace of another tenant', `${superNamespace(other, 'shop')}/web-0/main`],
    ['a namespace of super', 'kube-system/web-0/main'],
  ])('%s', async ([, path]) => {
    const before = kubelet.requests.length
    for (const lines of [log(path), exec(path)]) {
      const { status, text } = await ask(acme, lines)
      expect([status, text.trim()]).toEqual([404, 'not found'])
    }
    expect(kubelet.requests.length).toBe(before)
  })

  test('the UID of the pod of another tenant', async () => {
    expect((await ask(acme, exec('shop/web-0/pod-of-other/main'))).status).toBe(404)
  })

  test('a pod in the namespace of the tenant that is marked as another one’s', async () => {
    const namespace = superNamespace(acme, 'shop')
    await create(resourceTypes.pods, {
      metadata: {
        name: 'planted',
        namespace,
        labels: { [tenantLabel]: other.uid },
        annotations: { [tenantNamespaceAnnotation]: 'shop', [tenantNameAnnotation]: 'planted' },
      },
      spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'main' }] },
    })
    expect((await ask(acme, log('shop/planted/main'))).status).toBe(404)
  })
})

test('the reason of super is told in the words of the tenant', async () => {
  const { status, text } = await ask(acme, log('shop/web-0/nothing'))
  expect(status).toBe(400)
  expect(text).toContain('container nothing is not valid for pod web-0')
})

test('the account of the agent alone can do nothing', async () => {
  const alone = createKubeClient(await superApi.connectionAs(`system:serviceaccount:${systemNamespace}:berth-vn-agent`), {
    userAgent: 'test',
  })
  const pod = { namespace: superNamespace(acme, 'shop'), name: 'web-0' }
  await expect(alone.get(resourceTypes.pods, pod)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
  for (const user of [
    'system:admin',
    'system:serviceaccount:kube-system:default',
    `system:serviceaccount:${systemNamespace}:berth-syncer`,
  ]) {
    await expect(alone.as(user).get(resourceTypes.pods, pod)).rejects.toMatchObject({ code: 'KUBE_FORBIDDEN' })
  }
  await alone.close()
})
