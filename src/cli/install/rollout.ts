import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { idOf, refOf, typeOf } from './object-type.ts'
import { eachUntil } from './until.ts'

/** Pods of how many words a complaint is made of, at most. */
const podsNamed = 2

/** Why a workload does not serve yet, by its own counts; undefined when all its pods are of the newest template and ready. */
export const rolloutComplaint = (workload: KubeObject | undefined): string | undefined => {
  if (!workload) return 'it is not there'
  const { kind, metadata, spec, status = {} } = workload
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return 'no controller has looked at it yet'
  const isDaemon = kind === 'DaemonSet'
  const wanted = Number(isDaemon ? (status.desiredNumberScheduled ?? 0) : (spec?.replicas ?? 1))
  const updated = Number((isDaemon ? status.updatedNumberScheduled : status.updatedReplicas) ?? 0)
  const available = Number((isDaemon ? status.numberAvailable : status.availableReplicas) ?? 0)
  const all = isDaemon ? wanted : Number(status.replicas ?? 0)
  if (updated < wanted) return `${updated} of ${wanted} pods are of this installation`
  if (all > updated) return `${all - updated} pods of before end`
  return available < wanted ? `${available} of ${wanted} pods serve` : undefined
}

interface ContainerStatus {
  readonly name: string
  readonly ready?: boolean
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } }
}

/** What keeps a pod from being ready; undefined for one that is. */
const podComplaint = ({ metadata, status = {} }: KubeObject): string | undefined => {
  const conditions = (status.conditions ?? []) as readonly { type: string; status: string; message?: string }[]
  if (conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True')) return undefined
  const unscheduled = conditions.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False')
  const containers = (status.containerStatuses ?? []) as readonly ContainerStatus[]
  const waiting = containers.find(({ state }) => state?.waiting)?.state?.waiting
  const words = unscheduled?.message ?? [waiting?.reason, waiting?.message].filter(Boolean).join(': ')
  return `pod ${metadata.name} ${words || 'is not ready'}`
}

const podsComplaint = async (client: KubeClient, workload: KubeObject, signal: AbortSignal): Promise<string> => {
  const labels = Object.entries((workload['spec']?.selector?.matchLabels ?? {}) as Record<string, string>)
  const { namespace } = refOf(workload)
  const { items } = await client.list(resourceTypes.pods, {
    ...(namespace !== undefined && { namespace }),
    labelSelector: labels.map(([key, value]) => `${key}=${value}`).join(','),
    signal,
  })
  const complaints = items.flatMap((pod) => podComplaint(pod) ?? [])
  return complaints.slice(0, podsNamed).join(', ')
}

/**
 * Waits until every Deployment and DaemonSet of an installation runs what was applied, and all its pods are ready: each is when it can do its work. Throws
 * DEADLINE_EXCEEDED with what its pods say.
 */
export const waitUntilServing = async (
  client: KubeClient,
  objects: readonly KubeObject[],
  {
    timeoutMs,
    signal,
    tell,
  }: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly tell: (line: string) => void },
): Promise<void> => {
  const workloads = new Map(
    objects.filter(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet').map((object) => [idOf(object), object]),
  )
  const complaintOf = async (id: string): Promise<string | undefined> => {
    const object = workloads.get(id)
    if (!object) return undefined
    const live = await client.get(typeOf(object), refOf(object), { signal })
    const found = rolloutComplaint(live && { kind: object.kind, ...live })
    if (found === undefined || !live) return found
    const ofPods = await podsComplaint(client, live, signal)
    return ofPods ? `${found}: ${ofPods}` : found
  }
  await eachUntil([...workloads.keys()], complaintOf, { timeoutMs, signal, tell })
}
