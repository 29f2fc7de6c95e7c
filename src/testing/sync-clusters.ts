import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { tenantControlPlaneCrd } from '../apis/crd.ts'
import type { CustomKind } from '../apis/custom-kind.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import { tenantRbac } from '../controlplane/components/tenant-rbac.ts'
import { tenantGroups } from '../controlplane/names.ts'
import type { KubeConnection } from '../kube/client.ts'
import type { Log } from '../lib/log.ts'
import { tenantLabel } from '../tenancy/marks.ts'
import { controlPlaneNamespace, type TenantRef } from '../tenancy/names.ts'
import { kubeconfigText, startApiServer, type TestApiServer, type TestApiServerOptions } from './api-server.ts'
import { eventually } from './eventually.ts'
import { type PlayedKubelet, playedNode, playKubelet } from './play-kubelet.ts'
import type { ServedMinor } from './test-binaries.ts'

/** A tenant with an API server of its own. */
export interface SyncTenant {
  readonly ref: TenantRef
  readonly api: TestApiServer
  /** In management, where the syncer keeps its Lease. */
  readonly controlPlaneNamespace: string
}

/** Management and super in one API server, and tenants beside it; no controller and no kubelet anywhere but the played one. */
export interface SyncClusters {
  readonly superApi: TestApiServer
  readonly tenants: readonly SyncTenant[]
  readonly kubelet: PlayedKubelet
  /** Super and management as the syncer's own account, with just the rights its manifest gives. */
  readonly syncerConnection: KubeConnection
  stop(): Promise<void>
}

const manifestsDir = join(import.meta.dirname, '../../manifests/parts')
const typeByKind = new Map<string, ResourceType>(Object.values(resourceTypes).map((type) => [type.kind, type]))
const syncerAccount = 'system:serviceaccount:berth-system:berth-syncer'
const startDeadlineMs = 180_000

/** Applies what a manifest says of accounts and rights. */
const applyRights = async ({ client }: TestApiServer, file: string): Promise<void> => {
  const documents = parseAllDocuments(await readFile(join(manifestsDir, file), 'utf8')).map(
    (document) => document.toJS() as KubeObject,
  )
  for (const object of documents.filter(({ kind }) => kind !== 'Deployment')) {
    const type = typeByKind.get(object.kind ?? '')
    if (!type) throw new Error(`${file} has a ${object.kind}, which nothing here knows`)
    await client.apply(type, object, { fieldManager: 'test' })
  }
}

const publishTenant = async (
  { client }: TestApiServer,
  api: TestApiServer,
  { name, slices }: { name: string; slices: readonly string[] },
): Promise<SyncTenant> => {
  const object = {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name, namespace: 'tenants' },
    spec: {},
  }
  const created = await eventually(() => client.create<KubeObject>(resourceTypes.tenantControlPlanes, object), {
    deadlineMs: 30_000,
    describe: 'the CRD in force',
  })
  const ref = { uid: created.metadata.uid ?? '', name, namespace: 'tenants' }
  const namespace = controlPlaneNamespace(ref)
  await client.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await grantSyncer(api)
  await client.create(resourceTypes.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'syncer-kubeconfig', namespace },
    stringData: { value: kubeconfigText(await api.connectionAs(tenantGroups.syncer, [tenantGroups.syncer])) },
  })
  const ready = {
    type: 'APIServerReady',
    status: 'True',
    reason: 'Answers',
    message: '',
    lastTransitionTime: new Date().toISOString(),
  }
  const status = { serviceSlice: slices[0], serviceSlices: slices, controlPlaneNamespace: namespace, conditions: [ready] }
  await client.patch(resourceTypes.tenantControlPlanes, { name, namespace: 'tenants' }, { status }, { subresource: 'status' })
  return { ref, api, controlPlaneNamespace: namespace }
}

/** Gives the syncer the rights in a tenant that the manager gives it there. */
export const grantSyncer = async ({ client }: TestApiServer, customKinds: readonly CustomKind[] = []): Promise<void> => {
  for (const object of tenantRbac(customKinds)) {
    const type = typeByKind.get(object.kind ?? '')
    if (type) await client.apply(type, object, { fieldManager: 'test', force: true })
  }
}

/** Changes the spec of a tenant, as its operator would. */
export const patchPlane = (
  { superApi }: SyncClusters,
  { ref: { name, namespace } }: SyncTenant,
  spec: object,
): Promise<unknown> => superApi.client.patch(resourceTypes.tenantControlPlanes, { name, namespace }, { spec }, { type: 'merge' })

/** What an operator writes in super to let tenants use a kind. `whom`: whose rights are said; the syncer has those for some kinds by itself. */
export const letTenantsUse = async (
  { superApi }: SyncClusters,
  { group, plural }: CustomKind,
  whom: readonly string[] = ['tenant', 'syncer'],
): Promise<void> => {
  const rule = { apiGroups: [group], resources: [plural] }
  for (const [who, verbs] of [
    ['tenant', ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']],
    ['syncer', ['get', 'list', 'watch']],
  ] as const) {
    if (!whom.includes(who)) continue
    const labels = { [`berth.dev/aggregate-to-${who}`]: 'true' }
    await superApi.client.create(resourceTypes.clusterRoles, {
      metadata: { name: `${plural}-${who}`, labels },
      rules: [{ ...rule, verbs }],
    })
  }
}

/** Gives the syncer another identity in a tenant. Returns how to take all rights from the first one. */
export const renewSyncerKey = async (
  { superApi }: SyncClusters,
  { api, controlPlaneNamespace: namespace }: SyncTenant,
): Promise<{ revokeFirst: () => Promise<void> }> => {
  const group = `${tenantGroups.syncer}-renewed`
  const isFirst = ({ kind, subjects }: KubeObject) => kind === 'ClusterRoleBinding' && subjects?.[0]?.name === tenantGroups.syncer
  const first = tenantRbac([]).filter(isFirst)
  for (const binding of first) {
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }]
    await api.client.create(resourceTypes.clusterRoleBindings, { ...binding, metadata: { name: group }, subjects })
  }
  const value = Buffer.from(kubeconfigText(await api.connectionAs(group, [group]))).toString('base64')
  await superApi.client.patch(resourceTypes.secrets, { name: 'syncer-kubeconfig', namespace }, { data: { value } })
  return {
    revokeFirst: async () => {
      if (first.length === 0) throw new Error('nothing binds the first identity to its rights')
      for (const { metadata } of first) await api.client.delete(resourceTypes.clusterRoleBindings, { name: metadata.name ?? '' })
    },
  }
}

export interface SyncClustersOptions {
  readonly log: Log
  /** More flags for super's kube-apiserver. */
  readonly superFlags?: readonly string[]
  /** Rights that Berth's accounts are refused in super because the test wants it so. */
  readonly superRefused?: readonly string[]
  /** Gives the tenants an IPv6 slice of `fd00:96::/108` beside the IPv4 one. */
  readonly isDualStack?: boolean
  /** Kubernetes minor of the tenants; default: the newest, as super. */
  readonly tenantMinor?: ServedMinor
}

/** Starts all, with the rights and objects that the manager would have made. */
export const startSyncClusters = async (
  names: readonly string[],
  { log, superFlags = [], superRefused = [], isDualStack = false, tenantMinor }: SyncClustersOptions,
): Promise<SyncClusters> => {
  const servers: TestApiServer[] = []
  const start = async (given: Pick<TestApiServerOptions, 'flags' | 'refused' | 'minor'>): Promise<TestApiServer> => {
    const server = await startApiServer({ ...given, deadlineMs: startDeadlineMs })
    servers.push(server)
    return server
  }
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of stops.toReversed()) await end()
    await Promise.all(servers.map((server) => server.stop()))
  }
  try {
    const superApi = await start({ flags: superFlags, refused: superRefused })
    const { client } = superApi
    await client.create(resourceTypes.customResourceDefinitions, tenantControlPlaneCrd())
    for (const file of [
      'accounts/accounts.yaml',
      'super/namespaces.yaml',
      'management/syncer.yaml',
      'super/syncer-rights.yaml',
      'super/tenant-role.yaml',
      'super/fairness.yaml',
      'super/admission-namespaces.yaml',
      'super/admission-pods.yaml',
      'super/admission-objects.yaml',
      'super/admission-syncer.yaml',
    ])
      await applyRights(superApi, file)
    await client.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tenants' } })
    const nodes = ['node-1', 'node-2']
    for (const [index, name] of nodes.entries())
      await client.create(resourceTypes.nodes, playedNode(name, `10.124.0.1${index + 1}`))
    const tenants: SyncTenant[] = []
    for (const [index, name] of names.entries()) {
      const slices = [`10.96.${index + 4}.0/24`, ...(isDualStack ? [`fd00:96::${index + 4}00/120`] : [])]
      const api = await start({
        flags: [`--service-cluster-ip-range=${slices.join(',')}`],
        ...(tenantMinor && { minor: tenantMinor }),
      })
      tenants.push(await publishTenant(superApi, api, { name, slices }))
    }
    const kubelet = playKubelet({ client, log, labelSelector: tenantLabel, nodes })
    stops.push(() => kubelet.stop())
    const syncerConnection = await superApi.connectionAs(syncerAccount, [
      'system:serviceaccounts',
      'system:serviceaccounts:berth-system',
    ])
    return { superApi, tenants, kubelet, syncerConnection, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
