import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { pino } from 'pino'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeConnection } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { agentRecordObject } from '../tenancy/agent-record.ts'
import { agentClientSubject } from '../tenancy/identity.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation, tenantObjectUidAnnotation } from '../tenancy/marks.ts'
import {
  superNamespace,
  systemNamespace,
  tenantClusterRole,
  tenantIdentityName,
  tenantIdentityNamespace,
} from '../tenancy/names.ts'
import { readCertificates } from '../vn-agent/certificates.ts'
import { createKubelet, kubeletConnection } from '../vn-agent/kubelet.ts'
import { createNodeReads } from '../vn-agent/node-reads.ts'
import { createPodIndex } from '../vn-agent/pod-index.ts'
import { createAgentServer } from '../vn-agent/server.ts'
import { createSessions } from '../vn-agent/sessions.ts'
import { createTenantNamespaces } from '../vn-agent/tenant-namespaces.ts'
import { createTenantRecords } from '../vn-agent/tenant-records.ts'
import { createTokenAccess } from '../vn-agent/token-access.ts'
import { apiWay, kubeletWay } from '../vn-agent/way.ts'
import { openTls, readAll, readHead, type StreamServer, startStreamServer } from './agent-peers.ts'
import { startApiServer, type TestApiServer } from './api-server.ts'
import { eventually } from './eventually.ts'
import { applyInstalledRights } from './installed-rights.ts'
import { createTestPki, type TestPki } from './test-pki.ts'

export interface SuperTenant {
  readonly uid: string
  readonly name: string
}

export const acme: SuperTenant = { uid: '11111111-2222-3333-4444-555555555555', name: 'acme' }
export const other: SuperTenant = { uid: '99999999-2222-3333-4444-555555555555', name: 'other' }
export const agentNode = 'n1'
export const agentUser = `system:serviceaccount:${systemNamespace}:berth-vn-agent`

/** A page of the kubelet's, by its path. */
export type KubeletPages = Map<string, { readonly type: string; readonly body: string }>

/**
 * Agents on loopback, one for each way on, with a real API server as super. The same server plays the tenants': it has one more key for tokens. Only what
 * is behind the kubelet's port is ours, so that bytes can be compared.
 */
export interface AgentSuper {
  readonly superApi: TestApiServer
  readonly kubelet: StreamServer
  readonly pages: KubeletPages
  readonly ports: Readonly<Record<'api' | 'kubelet', number>>
  /** Key of the other tenant's tokens, which no API server knows. */
  readonly otherKey: string
  /** UID in super of the one pod of a tenant, `web-0` in its namespace `shop`. */
  superUidOf(tenant: SuperTenant): string
  dial(tenant: SuperTenant | undefined, way?: 'api' | 'kubelet'): Promise<TLSSocket>
  /** One request: first line and headers without Host. */
  ask(
    tenant: SuperTenant | undefined,
    lines: readonly string[],
    way?: 'api' | 'kubelet',
  ): Promise<{ readonly status: number; readonly text: string }>
  stop(): Promise<void>
}

/** A namespace `shop` with a pod `web-0`; its UID in super. */
const placeTenant = async (tenant: SuperTenant, superApi: TestApiServer): Promise<string> => {
  const namespace = superNamespace(tenant, 'shop')
  await superApi.client.create(resourceTypes.namespaces, {
    metadata: { name: namespace, labels: { [tenantLabel]: tenant.uid }, annotations: { [tenantNameAnnotation]: 'shop' } },
  })
  await superApi.client.create(resourceTypes.roleBindings, {
    metadata: { name: 'berth-tenant', namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: tenantClusterRole },
    subjects: [{ kind: 'ServiceAccount', namespace: tenantIdentityNamespace, name: tenantIdentityName(tenant.uid) }],
  })
  const pod = await superApi.client.create<KubeObject>(resourceTypes.pods, {
    metadata: {
      name: 'web-0',
      namespace,
      labels: { [tenantLabel]: tenant.uid, app: 'web', added: 'in-super' },
      annotations: {
        [tenantNamespaceAnnotation]: 'shop',
        [tenantNameAnnotation]: 'web-0',
        [tenantObjectUidAnnotation]: `pod-of-${tenant.name}`,
        'berth.dev/keys': 'app;',
      },
    },
    spec: { nodeName: agentNode, containers: [{ name: 'main', image: 'main', env: [{ name: 'SUPER', value: 'only' }] }] },
  })
  return pod.metadata.uid ?? ''
}

const publishRecord = (tenant: SuperTenant, tokenKeys: string, { server, ca = '' }: KubeConnection, superApi: TestApiServer) =>
  superApi.client.create(resourceTypes.configMaps, agentRecordObject({ tenant, server, ca, tokenKeys }))

/** @param refused rights that the test tries in vain, as vn-agent. */
export const startAgentSuper = async (refused: readonly string[] = []): Promise<AgentSuper> => {
  const superApi = await startApiServer({ refused })
  const cleanups: (() => Promise<void>)[] = [() => superApi.stop()]
  const stop = async (): Promise<void> => {
    for (const cleanup of cleanups.toReversed()) await cleanup()
  }
  try {
    const folder = join(superApi.folder, 'agent')
    await mkdir(folder)
    const pki = await createTestPki(folder)
    const file = (name: string): string => join(folder, name)
    const pages: KubeletPages = new Map()
    const kubelet = await startStreamServer({
      cert: await readFile(file('server.crt'), 'utf8'),
      key: await readFile(file('server.key'), 'utf8'),
      onRequest: (request, reply) => {
        const page = pages.get(request.url ?? '')
        reply.writeHead(200, { 'content-type': page?.type ?? 'text/plain' }).end(page?.body ?? `log of ${request.url}\n`)
      },
    })
    cleanups.push(() => kubelet.stop())

    await superApi.client.create(resourceTypes.nodes, { metadata: { name: agentNode } })
    const addresses = [{ type: 'InternalIP', address: '127.0.0.1' }]
    const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } } }
    await superApi.client.patch(resourceTypes.nodes, { name: agentNode }, { status }, { type: 'merge', subresource: 'status' })
    // What vn-agent may, and what tenants may for whom it speaks.
    await applyInstalledRights(superApi.client)
    const superUids = new Map<string, string>()
    for (const tenant of [acme, other]) superUids.set(tenant.uid, await placeTenant(tenant, superApi))
    const otherPair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await publishRecord(acme, await readFile(join(superApi.folder, 'sa.pub'), 'utf8'), superApi.connection, superApi)
    await publishRecord(
      other,
      otherPair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      superApi.connection,
      superApi,
    )

    const superConnection = await superApi.connectionAs(agentUser)
    const superClient = createKubeClient(superConnection, { userAgent: 'test-agent' })
    cleanups.push(() => superClient.close())
    const log = pino({ level: 'silent' })
    const [records, namespaces] = [
      createTenantRecords({ client: superClient, log }),
      createTenantNamespaces({ client: superClient, log }),
    ]
    for (const part of [records, namespaces]) {
      part.start()
      cleanups.push(() => part.stop())
    }
    await eventually(() => records.hasSynced && namespaces.hasSynced, { describe: 'what is whose' })

    const place = { address: '127.0.0.1', port: kubelet.port, caFile: file('ca.crt'), insecure: false }
    const connect = () => kubeletConnection(place, superConnection)
    const certificates = await readCertificates({ cert: file('server.crt'), key: file('server.key'), clientCa: file('ca.crt') })
    const listen = async (way: 'api' | 'kubelet'): Promise<number> => {
      const agent = createAgentServer(certificates, {
        superClient,
        way: way === 'api' ? apiWay(superConnection) : kubeletWay(connect),
        sessions: createSessions({ perTenant: 20, log }),
        tokens: createTokenAccess({
          records,
          connect: (connection) => createKubeClient(connection, { userAgent: 'test-agent' }),
          nodeName: agentNode,
          log,
        }),
        reads: createNodeReads({
          kubelet: createKubelet({ connect, isTenants: namespaces.isTenants }),
          podIndex: createPodIndex({ superClient, nodeName: agentNode }),
          namespaces,
          log,
        }),
        log,
      })
      const port = await agent.listen(0, '127.0.0.1')
      cleanups.push(() => agent.stop(0))
      return port
    }
    const ports = { api: await listen('api'), kubelet: await listen('kubelet') }
    const dial = dialer(pki, ports)
    return {
      superApi,
      kubelet,
      pages,
      ports,
      otherKey: otherPair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      superUidOf: ({ uid }) => superUids.get(uid) ?? '',
      dial,
      ask: async (tenant, lines, way = 'api') => {
        const socket = await dial(tenant, way)
        socket.write([...lines, 'Host: node', '', ''].join('\r\n'))
        const answer = await readHead(socket)
        const { text } = await readAll(socket, answer.rest)
        socket.destroy()
        return { status: answer.status, text }
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const dialer =
  (pki: TestPki, ports: AgentSuper['ports']): AgentSuper['dial'] =>
  async (tenant, way = 'api') => {
    if (!tenant) return openTls({ port: ports[way], ca: pki.ca })
    const { commonName, organization } = agentClientSubject(tenant)
    const { clientCert, clientKey } = await pki.client(commonName, [organization])
    return openTls({ port: ports[way], ca: pki.ca, cert: clientCert, key: clientKey })
  }
