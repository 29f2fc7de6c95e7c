import type { KubeObject } from '../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { serverFigures } from '../kube/server-figures.ts'
import { hasCode } from '../lib/errors.ts'
import { inTurns } from '../lib/in-turns.ts'
import { tenantLabel, tenantNameAnnotation } from '../tenancy/marks.ts'
import { readKubeconfig } from './read-kubeconfig.ts'
import { byNamespace, sumOf, type TenantFigures, type Usage, usageOf } from './top-figures.ts'

/** What a metrics server serves. */
const podMetrics: ResourceType = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  plural: 'pods',
  kind: 'PodMetrics',
  namespaced: true,
}

/** A tenant's API server that does not answer sooner holds up a whole table. */
const objectsMs = 3000
const askedAtOnce = 8

export interface FigureReads {
  readonly management: KubeClient
  /** Undefined: nobody said where super is, and it is another cluster. */
  readonly superClient: KubeClient | undefined
  readonly connect: (kubeconfig: string) => KubeClient
  readonly signal: AbortSignal
}

/** What a cluster's metrics server says; undefined: there is none that answers. */
const metricsOf = async (
  client: KubeClient,
  options: { readonly namespace?: string; readonly signal: AbortSignal },
): Promise<readonly KubeObject[] | undefined> =>
  client.list(podMetrics, options).then(
    ({ items }) => items,
    (error: unknown) => {
      if (hasCode(error, 'KUBE_NOT_FOUND', 'KUBE_SERVER_ERROR', 'KUBE_FORBIDDEN')) return undefined
      throw error
    },
  )

/** A part of one tenant: a pod of its control plane, or a namespace of its own. */
export interface FigurePart {
  readonly part: 'control plane' | 'namespace'
  readonly name: string
  readonly pods: number | undefined
  readonly usage: Usage | undefined
}

export interface Figures {
  readonly tenants: readonly TenantFigures[]
  /** Of one tenant that was asked for alone. */
  readonly parts: readonly FigurePart[]
  /** What is not known, and why: for people. */
  readonly notes: readonly string[]
}

const countBy = (objects: readonly KubeObject[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { metadata } of objects) counts.set(metadata.namespace ?? '', (counts.get(metadata.namespace ?? '') ?? 0) + 1)
  return counts
}

/** What super has of tenants: their namespaces, how many pods are in each, and what these use. */
const readSuper = async (
  client: KubeClient,
  { uid, signal }: { readonly uid: string | undefined; readonly signal: AbortSignal },
) => {
  const labelSelector = uid === undefined ? tenantLabel : `${tenantLabel}=${uid}`
  const [namespaces, pods, metrics] = await Promise.all([
    client.list(resourceTypes.namespaces, { labelSelector, metadataOnly: true, signal }),
    client.list(resourceTypes.pods, { labelSelector, metadataOnly: true, signal }),
    metricsOf(client, { signal }),
  ])
  return { namespaces: namespaces.items, pods: countBy(pods.items), metrics, usage: metrics && byNamespace(metrics) }
}

type SuperFacts = Awaited<ReturnType<typeof readSuper>>

const namespacesOf = ({ metadata: { uid } }: TenantControlPlane, { namespaces }: SuperFacts): readonly KubeObject[] =>
  namespaces.filter(({ metadata }) => metadata.labels?.[tenantLabel] === uid)

const objectsIn = async (
  plane: TenantControlPlane,
  { management, connect, signal }: FigureReads,
): Promise<number | undefined> => {
  if (plane.status?.conditions?.find(({ type }) => type === 'APIServerReady')?.status !== 'True') return undefined
  try {
    const client = connect(await readKubeconfig(management, plane, signal))
    try {
      const { status, body } = await client.raw('/metrics', { signal, timeoutMs: objectsMs, isText: true })
      return status === 200 ? serverFigures(body).objects : undefined
    } finally {
      await client.close()
    }
  } catch (error) {
    if (signal.aborted) throw error
    // One tenant that does not answer is told by its dash.
    return undefined
  }
}

const noMetrics = (where: string): string =>
  `the ${where} cluster has no metrics.k8s.io that answers: CPU and memory are not known. A metrics-server there brings them`

/** What tenants use, as metrics servers and the tenants' own API servers say. */
export const readFigures = async (
  planes: readonly TenantControlPlane[],
  {
    withObjects,
    isAlone,
  }: {
    /** Asks each tenant's API server. */ readonly withObjects: boolean /** One tenant, with its parts. */
    readonly isAlone: boolean
  },
  reads: FigureReads,
): Promise<Figures> => {
  const { management, superClient, signal } = reads
  const [alone] = isAlone ? planes : []
  const planeNamespace = alone?.status?.controlPlaneNamespace
  const [planeMetrics, above, objects] = await Promise.all([
    metricsOf(management, { ...(planeNamespace !== undefined && { namespace: planeNamespace }), signal }),
    superClient && readSuper(superClient, { uid: alone?.metadata.uid, signal }),
    withObjects ? inTurns(planes, askedAtOnce, (plane) => objectsIn(plane, reads)) : undefined,
  ])
  const planeUsage = planeMetrics && byNamespace(planeMetrics)
  const tenants = planes.map((plane, index): TenantFigures => {
    const { name = '', namespace = '' } = plane.metadata
    const own = above && namespacesOf(plane, above).map(({ metadata }) => metadata.name ?? '')
    const place = plane.status?.controlPlaneNamespace
    return {
      name,
      namespace,
      controlPlane: planeUsage && sumOf([(place === undefined ? undefined : planeUsage.get(place)) ?? sumOf([])]),
      pods: own?.reduce((sum, each) => sum + (above?.pods.get(each) ?? 0), 0),
      workload: above?.usage && sumOf((own ?? []).flatMap((each) => above.usage?.get(each) ?? [])),
      objects: objects?.[index],
    }
  })
  const notes = [
    ...(planeMetrics ? [] : [noMetrics('management')]),
    ...(superClient !== management && above && !above.metrics ? [noMetrics('super')] : []),
    ...(above ? [] : ["the tenants' pods run in another cluster: --super-kubeconfig names it"]),
  ]
  return { tenants, parts: alone ? partsOf(alone, { planeMetrics, above }) : [], notes }
}

const partsOf = (
  plane: TenantControlPlane,
  {
    planeMetrics = [],
    above,
  }: { readonly planeMetrics: readonly KubeObject[] | undefined; readonly above: SuperFacts | undefined },
): readonly FigurePart[] => {
  const ofPlane = planeMetrics
    .filter(({ metadata }) => metadata.namespace === plane.status?.controlPlaneNamespace)
    .map((each): FigurePart => ({ part: 'control plane', name: each.metadata.name ?? '', pods: 1, usage: usageOf(each) }))
  const own = (above ? namespacesOf(plane, above) : []).map(({ metadata }): FigurePart => {
    const { name = '', annotations } = metadata
    const usage = above?.usage && (above.usage.get(name) ?? sumOf([]))
    return { part: 'namespace', name: annotations?.[tenantNameAnnotation] ?? name, pods: above?.pods.get(name) ?? 0, usage }
  })
  return [...ofPlane, ...own].toSorted((a, b) => a.part.localeCompare(b.part) || a.name.localeCompare(b.name))
}
