import { pino } from 'pino'
import { keySecret } from '../access/key-object.ts'
import { keyText, newKey } from '../access/key-text.ts'
import { type Scope, scopes } from '../access/scopes.ts'
import { createApp } from '../api/app.ts'
import { type ApiCaches, createCaches } from '../api/caches.ts'
import type { ApiDeps } from '../api/deps.ts'
import type { ApiServer } from '../api/server.ts'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { controlPlaneSnapshotCrd } from '../apis/snapshot-crd.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { JobQueue } from '../jobs/job-queue.ts'
import { openJobQueue } from '../jobs/open-queue.ts'
import { createQueueDoor } from '../jobs/queue-door.ts'
import type { KubeClient } from '../kube/client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { startApiServer, type TestApiServer } from './api-server.ts'
import { eventually } from './eventually.ts'

const log = pino({ level: 'silent' })

/** What an answer of the API is to a test. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  // oxlint-disable-next-line typescript/no-explicit-any -- each test knows what it asked for
  readonly body: any
}

export interface Ask {
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One process of the API, without a port. */
export interface ApiProcess {
  readonly app: ApiServer
  readonly caches: ApiCaches
  /** Of deliveries. */
  readonly queue: () => Promise<JobQueue>
  /** Asks with the platform's key, unless another one is given; '' is none. */
  readonly ask: (method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, ask?: Ask) => Promise<Answer>
  stop(): Promise<void>
}

/** Management for the API: a real API server with Berth's kinds, and nobody who acts on them. */
export interface ApiWorld {
  readonly api: TestApiServer
  readonly kube: KubeClient
  /** A key of the platform that may do all. */
  readonly platformKey: string
  /** Makes a key past the API. */
  makeKey(of: {
    readonly organization?: string
    readonly scopes?: readonly Scope[]
    readonly expiresAt?: string
  }): Promise<string>
  /** Starts a process; `kube` and the clock may be a test's own. */
  start(overrides?: Partial<Pick<ApiDeps, 'kube' | 'now' | 'limits' | 'webhooks'>>): Promise<ApiProcess>
  /** The status of a tenant, as the manager would write it. */
  setStatus(organization: string, name: string, status: object): Promise<TenantControlPlane>
  stop(): Promise<void>
}

const generous = { perSecond: 100_000, burst: 100_000, streams: 100 }

const startProcess = async (
  kube: KubeClient,
  platformKey: string,
  overrides: Partial<Pick<ApiDeps, 'kube' | 'now' | 'limits' | 'webhooks'>>,
): Promise<ApiProcess> => {
  // Watches go past a client that fails: those of a process that was killed do not matter.
  const caches = createCaches({ kube, log })
  caches.start()
  await caches.whenSynced({ deadlineMs: 30_000 })
  const connectTenant: ApiDeps['connectTenant'] = (connection) => createKubeClient(connection, { userAgent: 'berth-test' })
  const door = createQueueDoor(() => openJobQueue({ client: kube, handlers: [], log }))
  const webhooks: ApiDeps['webhooks'] = {
    queue: () => door.queue(),
    rules: { allowed: ['127.0.0.0/8'], refused: [], allowHttp: true },
  }
  const app = await createApp({ kube, caches, connectTenant, log, now: Date.now, limits: generous, webhooks, ...overrides })
  await app.ready()
  return {
    app,
    caches,
    queue: overrides.webhooks?.queue ?? webhooks.queue,
    ask: async (method, path, { key = platformKey, body, headers = {} } = {}) => {
      const answer = await app.inject({
        method,
        url: path,
        headers: {
          ...(key !== '' && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const isJson = String(answer.headers['content-type'] ?? '').includes('json')
      return {
        status: answer.statusCode,
        headers: answer.headers as Readonly<Record<string, string | undefined>>,
        body: isJson ? answer.json() : answer.body,
      }
    },
    stop: async () => {
      await app.close()
      await door.close()
      await caches.stop()
    },
  }
}

/** Starts management and makes the first key. */
export const startApiWorld = async (): Promise<ApiWorld> => {
  const api = await startApiServer({ deadlineMs: 180_000 })
  const { client: kube } = api
  const processes: ApiProcess[] = []
  const makeKey: ApiWorld['makeKey'] = async ({ organization, scopes: held = scopes, expiresAt }) => {
    const key = newKey()
    const namespace = organization === undefined ? undefined : await kube.get(resourceTypes.namespaces, { name: organization })
    const organizationUid = namespace?.metadata.uid
    const of = {
      name: 'test',
      scopes: held,
      ...(organization !== undefined && organizationUid !== undefined && { organization, organizationUid }),
      ...(expiresAt !== undefined && { expiresAt }),
    }
    await kube.create(resourceTypes.secrets, keySecret(key, of))
    return keyText(key)
  }
  try {
    await kube.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
    await kube.create(resourceTypes.customResourceDefinitions, controlPlaneSnapshotCrd())
    await kube.create(resourceTypes.namespaces, { metadata: { name: systemNamespace } })
    await eventually(() => kube.list(resourceTypes.tenantControlPlanes), { describe: 'the new resource' })
    await eventually(() => kube.list(resourceTypes.controlPlaneSnapshots), { describe: 'the new resource' })
    const platformKey = await makeKey({})
    return {
      api,
      kube,
      platformKey,
      makeKey,
      start: async (overrides = {}) => {
        const process = await startProcess(kube, platformKey, overrides)
        processes.push(process)
        return process
      },
      setStatus: (namespace, name, status) =>
        kube.patch<TenantControlPlane>(
          resourceTypes.tenantControlPlanes,
          { name, namespace },
          { status },
          { type: 'merge', subresource: 'status' },
        ),
      stop: async () => {
        await Promise.all(processes.map((process) => process.stop()))
        await api.stop()
      },
    }
  } catch (error) {
    await api.stop()
    throw error
  }
}

/** Tenants of an organisation, as management has them. */
export const tenantsOf = async (kube: KubeClient, namespace: string): Promise<readonly KubeObject[]> =>
  (await kube.list(resourceTypes.tenantControlPlanes, { namespace })).items

/** Records of operations of an organisation, as management has them. */
export const recordsOf = async (kube: KubeClient, namespace: string): Promise<readonly KubeObject[]> =>
  (await kube.list(resourceTypes.configMaps, { namespace, labelSelector: 'berth.dev/operation' })).items
