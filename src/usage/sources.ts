import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer, type Informer } from '../kube/informer.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { componentLabel, organizationLabel, tenantLabel } from '../tenancy/marks.ts'
import { meterSecretName } from '../tenancy/names.ts'
import { isOrganization } from '../tenancy/organizations.ts'
import type { Workload } from './advance.ts'
import { claimBytes, holdsPlace, podRequests } from './pod-requests.ts'

export interface SourceClients {
  readonly management: KubeClient
  /** Of the cluster whose nodes run the tenants' pods; management itself unless they are apart. */
  readonly superClient: KubeClient
  readonly log: Log
}

/** Copies of what is counted, kept up by watches: a sample reads nothing but these. */
export interface UsageSources {
  /** Resolves when all is listed. */
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** Namespaces that are organisations of the HTTP API. */
  organizations(): readonly string[]
  /** Those of organisations; undefined while management does not tell of them. */
  tenants(): readonly TenantControlPlane[] | undefined
  /** What each tenant's pods and claims take, by UID; none for a tenant: nothing. Undefined while super does not tell of them. */
  workloads(): ReadonlyMap<string, Workload> | undefined
  /** False for a tenant whose pods run in another super cluster than the one at hand. */
  isHere(plane: TenantControlPlane): boolean
  /** What its API server is asked with; undefined while management does not tell of it. */
  server(plane: TenantControlPlane): { readonly pods: readonly KubeObject[]; readonly kubeconfig: string | undefined } | undefined
}

const listedWithinMs = 60 * 60_000

const marksOf = ({ metadata: { name, namespace, uid, resourceVersion, labels } }: KubeObject): KubeObject['metadata'] => ({
  ...(name !== undefined && { name }),
  ...(namespace !== undefined && { namespace }),
  ...(uid !== undefined && { uid }),
  ...(resourceVersion !== undefined && { resourceVersion }),
  ...(labels?.[tenantLabel] !== undefined && { labels: { [tenantLabel]: labels[tenantLabel] } }),
})

/** What is left in memory of a pod or claim: whose it is, and what it takes. */
const podTakes = (pod: KubeObject): KubeObject => ({
  metadata: marksOf(pod),
  takes: holdsPlace(pod) ? { ...podRequests(pod), storage: 0 } : undefined,
})
const claimTakes = (claim: KubeObject): KubeObject => {
  const storage = claimBytes(claim)
  return { metadata: marksOf(claim), takes: storage > 0 ? { cpu: 0, memory: 0, storage } : undefined }
}

/** Of a pod of an API server: where it is. */
const place = ({
  metadata: { labels: _labels, annotations: _annotations, ...metadata },
  spec,
  status,
}: KubeObject): KubeObject => ({
  metadata,
  spec: { containers: (spec?.containers ?? []).map(({ ports }: { ports?: unknown }) => ({ ports })) },
  status: { podIP: status?.podIP, phase: status?.phase },
})

const isInStep = ({ hasSynced, stats }: Informer<KubeObject>): boolean => hasSynced && stats.lastError === undefined

/** Sums of what objects take, by tenant. */
export const workloadsOf = (objects: readonly KubeObject[]): ReadonlyMap<string, Workload> => {
  const sums = new Map<string, Workload>()
  for (const { metadata, takes } of objects) {
    const uid = metadata.labels?.[tenantLabel]
    if (uid === undefined || !takes) continue
    const { cpu, memory, storage } = sums.get(uid) ?? { cpu: 0, memory: 0, storage: 0 }
    sums.set(uid, { cpu: cpu + takes.cpu, memory: memory + takes.memory, storage: storage + takes.storage })
  }
  return sums
}

export const createUsageSources = ({ management, superClient, log }: SourceClients): UsageSources => {
  const isApart = superClient !== management
  let superUid: string | undefined
  const planes = createInformer<TenantControlPlane>({
    client: management,
    type: resourceTypes.tenantControlPlanes,
    log,
    indexNamespaces: true,
  })
  const namespaces = createInformer<KubeObject>({
    client: management,
    type: resourceTypes.namespaces,
    log,
    labelSelector: organizationLabel,
  })
  const organizations = (): readonly string[] =>
    namespaces
      .list()
      .filter(isOrganization)
      .flatMap(({ metadata: { name } }) => name ?? [])
  const secrets = createInformer<KubeObject>({
    client: management,
    type: resourceTypes.secrets,
    log,
    fieldSelector: `metadata.name=${meterSecretName}`,
  })
  const serverPods = createInformer<KubeObject>({
    client: management,
    type: resourceTypes.pods,
    log,
    labelSelector: `${componentLabel}=kube-apiserver`,
    indexNamespaces: true,
    keep: place,
  })
  const owned = { client: superClient, log, labelSelector: tenantLabel }
  const pods = createInformer<KubeObject>({ ...owned, type: resourceTypes.pods, keep: podTakes })
  const claims = createInformer<KubeObject>({ ...owned, type: resourceTypes.persistentVolumeClaims, keep: claimTakes })
  const all: readonly Informer<KubeObject>[] = [namespaces, secrets, serverPods, pods, claims]

  return {
    start: async (signal) => {
      planes.start()
      for (const each of all) each.start()
      const wait = { deadlineMs: listedWithinMs, signal }
      await Promise.all([planes, ...all].map((each) => each.whenSynced(wait)))
      if (!isApart) return
      const system = await superClient.get<KubeObject>(resourceTypes.namespaces, { name: 'kube-system' }, { signal })
      superUid = system?.metadata.uid
      if (superUid === undefined)
        throw new AppError(
          'KUBE_NOT_FOUND',
          `${superClient.server} has no namespace kube-system: it does not say which cluster it is`,
          {},
        )
    },
    stop: async () => {
      await Promise.all([planes, ...all].map((each) => each.stop()))
    },
    organizations,
    tenants: () => {
      if (!planes.hasSynced || planes.stats.lastError !== undefined || !isInStep(namespaces)) return undefined
      return organizations().flatMap((name) => planes.byNamespace(name))
    },
    workloads: () => (isInStep(pods) && isInStep(claims) ? workloadsOf([...pods.list(), ...claims.list()]) : undefined),
    isHere: ({ status }) => {
      const recorded = status?.superCluster
      if (!isApart) return !recorded?.isApart
      return recorded?.isApart === true && recorded.uid === superUid
    },
    server: ({ status }) => {
      if (!isInStep(secrets) || !isInStep(serverPods)) return undefined
      const namespace = status?.controlPlaneNamespace ?? ''
      const encoded: unknown = secrets.get(`${namespace}/${meterSecretName}`)?.['data']?.value
      return {
        pods: serverPods
          .byNamespace(namespace)
          .filter((pod) => pod['status']?.phase !== 'Succeeded' && pod['status']?.phase !== 'Failed'),
        kubeconfig: typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString('utf8') : undefined,
      }
    },
  }
}
