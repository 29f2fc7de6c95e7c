import type { KubeObject } from '../../src/apis/kube-object.ts'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { TenantControlPlane } from '../../src/apis/tenant-control-plane.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { parseKubeconfig } from '../../src/kube/kubeconfig.ts'
import { createKubeClient } from '../../src/kube/undici-client.ts'
import { explainError } from '../../src/lib/errors.ts'
import { kubeconfigSecretName } from '../../src/tenancy/names.ts'
import type { Creation } from './results.ts'
import { type Stage, secondsSince, type Waiting, waitUntil } from './stage.ts'

/** Namespace of the TenantControlPlanes: what is in it when the benchmark begins is left over from one that was cut off. */
export const planesNamespace = 'bench-planes'
const type = resourceTypes.tenantControlPlanes
const createDeadlineMs = 300_000
const deleteDeadlineMs = 300_000
/** Calls wait long: on a busy machine a slow answer is a figure, not a failure. */
const clientOptions = { userAgent: 'berth-bench', timeoutMs: 60_000 }

/** A tenant of the benchmark that can be used. */
export interface BenchPlane {
  readonly name: string
  readonly uid: string
  readonly controlPlaneNamespace: string
  /** As published. */
  readonly kubeconfig: string
  /** Its administrator; whoever has made the tenant closes it. */
  readonly client: KubeClient
  readonly creation: Creation
}

const refOf = (name: string): { name: string; namespace: string } => ({ name, namespace: planesNamespace })

/** The tenant as it stands. @throws when there is none. */
export const getPlane = async ({ superClient }: Pick<Stage, 'superClient'>, name: string): Promise<TenantControlPlane> => {
  const plane = await superClient.get<TenantControlPlane>(type, refOf(name))
  if (!plane) throw new Error(`tenant ${name} is gone`)
  return plane
}

export const patchPlane = async ({ superClient }: Pick<Stage, 'superClient'>, name: string, spec: object): Promise<void> => {
  await superClient.patch(type, refOf(name), { spec }, { type: 'merge' })
}

/** Waits until a condition of a tenant is True. */
export const untilCondition = (
  stage: Pick<Stage, 'superClient'> & Waiting,
  name: string,
  condition: string,
): Promise<TenantControlPlane> =>
  waitUntil<TenantControlPlane>(`tenant ${name} ${condition}`, { ...stage, deadlineMs: createDeadlineMs }, async () => {
    const plane = await getPlane(stage, name)
    const conditions = plane.status?.conditions ?? []
    if (conditions.some((each) => each.type === condition && each.status === 'True')) return { found: plane }
    return {
      seen: conditions.map((each) => `${each.type}=${each.status} ${each.reason}: ${each.message}`).join('; ') || 'no status',
    }
  })

const publishedKubeconfig = async ({ superClient }: Pick<Stage, 'superClient'>, name: string): Promise<string> => {
  const secret = await superClient.get(resourceTypes.secrets, refOf(kubeconfigSecretName(name)))
  return Buffer.from(String(secret?.['data']?.value ?? ''), 'base64').toString()
}

const defaultAccount = { name: 'default', namespace: 'default' }

/**
 * Seconds from a tenant's creation until the volume of its etcd was there, by the time at which its pod could be scheduled. What the provisioner of the cluster
 * takes is no work of Berth's, and all else waits for it.
 */
const volumePhase = async (
  { superClient }: Pick<Stage, 'superClient'>,
  { metadata, status }: TenantControlPlane,
): Promise<Readonly<Record<string, number>>> => {
  const pod = await superClient.get<
    KubeObject & { status?: { conditions?: readonly { type: string; lastTransitionTime: string }[] } }
  >(resourceTypes.pods, {
    name: 'etcd-0',
    namespace: status?.controlPlaneNamespace ?? '',
  })
  const scheduled = pod?.status?.conditions?.find((condition) => condition.type === 'PodScheduled')?.lastTransitionTime
  if (scheduled === undefined) return {}
  return { Volume: (Date.parse(scheduled) - Date.parse(metadata.creationTimestamp ?? '')) / 1000 }
}

/**
 * Makes a tenant and waits until it can be used: it says Ready, and a request with its published kubeconfig finds the ServiceAccount that pods run as. The clock is
 * this process's.
 */
export const createPlane = async (stage: Stage, name: string, spec: object = {}): Promise<BenchPlane> => {
  const { superClient, signal } = stage
  signal.throwIfAborted()
  const object: KubeObject = { apiVersion: 'berth.dev/v1alpha1', kind: 'TenantControlPlane', metadata: refOf(name), spec }
  const began = performance.now()
  await superClient.create(type, object)
  const plane = await untilCondition(stage, name, 'Ready')
  const kubeconfig = await publishedKubeconfig(stage, name)
  const client = createKubeClient(parseKubeconfig(kubeconfig), clientOptions)
  await waitUntil(`default account of tenant ${name}`, { deadlineMs: 60_000, signal }, async () => {
    const answer = await client.get(resourceTypes.serviceAccounts, defaultAccount).catch((error: unknown) => explainError(error))
    return typeof answer === 'object' ? { found: answer } : { seen: answer ?? 'it is not there' }
  }).catch(async (error: unknown) => {
    await client.close()
    throw error
  })
  const seconds = secondsSince(began)
  return {
    name,
    uid: plane.metadata.uid ?? '',
    controlPlaneNamespace: plane.status?.controlPlaneNamespace ?? '',
    kubeconfig,
    client,
    creation: { seconds, phases: { ...(await volumePhase(stage, plane)), ...plane.status?.timings } },
  }
}

/** Deletes a tenant and waits until nothing is left of it, its control plane's namespace neither. Gives the seconds. */
export const deletePlane = async (
  { superClient, ...waiting }: Pick<Stage, 'superClient'> & Waiting,
  name: string,
  namespace = '',
): Promise<number> => {
  const began = performance.now()
  await superClient.delete(type, refOf(name))
  await waitUntil(`tenant ${name} deleted`, { ...waiting, deadlineMs: deleteDeadlineMs }, async () => {
    const plane = await superClient.get<TenantControlPlane>(type, refOf(name))
    if (plane) return { seen: JSON.stringify(plane.status?.conditions?.find((each) => each.type === 'Ready') ?? 'still there') }
    const left = namespace && (await superClient.get(resourceTypes.namespaces, { name: namespace }))
    return left ? { seen: `namespace ${namespace} is still there` } : { found: true }
  })
  return secondsSince(began)
}

/** Makes a tenant for one measurement, and takes it away after, whatever happened. */
export const withPlane = async <T>(
  stage: Stage,
  name: string,
  spec: object,
  work: (plane: BenchPlane) => Promise<T>,
): Promise<T> => {
  stage.progress(`tenant ${name}`)
  const plane = await createPlane(stage, name, spec)
  try {
    return await work(plane)
  } finally {
    await plane.client.close()
    await deletePlane(stage, name)
  }
}

/** Deletes all tenants of the benchmark, also those of one that was cut off. */
export const removePlanes = async ({ superClient, progress }: Pick<Stage, 'superClient' | 'progress'>): Promise<void> => {
  const { items } = await superClient.list(type, { namespace: planesNamespace })
  if (items.length === 0) return
  progress(`deleting ${items.length} tenants`)
  const signal = AbortSignal.timeout(2 * deleteDeadlineMs)
  await Promise.all(items.map(({ metadata }) => deletePlane({ superClient, signal, everyMs: 1_000 }, metadata.name ?? '')))
}
