import type { KubeObject } from '../src/apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../src/apis/resource-types.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { tenantLabel, tenantNameAnnotation, tenantNamespaceAnnotation } from '../src/tenancy/marks.ts'
import { superNamespace } from '../src/tenancy/names.ts'
import type { Stored } from './journal.ts'
import { loadKinds, loadLabel, loadNamespace } from './load-kinds.ts'
import type { ChaosTenant } from './tenants.ts'

const labelSelector = `${loadLabel.key}=${loadLabel.value}`
const listMs = 30_000

/** All that the load has in a tenant, by `kind/name`. Lists go to etcd, not to a cache: they ask for no resourceVersion. */
export const storedOf = async ({ client }: Pick<ChaosTenant, 'client'>): Promise<Map<string, Stored>> => {
  const all = new Map<string, Stored>()
  for (const kind of loadKinds) {
    const { items } = await client.list(kind.type, { namespace: loadNamespace, labelSelector, timeoutMs: listMs })
    for (const item of items) {
      const version = item.metadata.resourceVersion
      all.set(`${kind.type.plural}/${item.metadata.name}`, {
        content: item.metadata.deletionTimestamp === undefined ? kind.contentOf(item) : null,
        ...(version !== undefined && { version }),
      })
    }
  }
  return all
}

/** Kinds of the load that have a counterpart in super. */
export const carriedTypes = [
  resourceTypes.pods,
  resourceTypes.services,
  resourceTypes.persistentVolumeClaims,
  resourceTypes.configMaps,
  resourceTypes.secrets,
] as const

/** An object of one side, by the tenant's words. */
export interface SideObject {
  readonly plural: string
  readonly name: string
  /** What both sides must say alike. */
  readonly content: string
}

/** What the two sides of a kind have to have in common, in one line. Pure. */
const commonOf = ({ plural }: ResourceType, object: KubeObject): string => {
  switch (plural) {
    case 'services': {
      const ports = (object['spec']?.ports ?? []) as { port: number; targetPort?: unknown }[]
      return `${object['spec']?.clusterIP} ${ports.map(({ port, targetPort }) => `${port}:${String(targetPort)}`).join(' ')}`
    }
    case 'configmaps':
    case 'secrets':
      return JSON.stringify(Object.entries(object['data'] ?? {}).toSorted(([a], [b]) => a.localeCompare(b)))
    case 'pods':
      return String(object['spec']?.nodeName ?? '')
    default:
      return ''
  }
}

/** What a tenant has in the load's namespace. */
export const tenantSide = async ({ client }: Pick<ChaosTenant, 'client'>): Promise<SideObject[]> => {
  const lists = await Promise.all(
    carriedTypes.map(async (type) => {
      const { items } = await client.list(type, { namespace: loadNamespace, timeoutMs: listMs })
      return items.map((item) => ({ plural: type.plural, name: item.metadata.name ?? '', content: commonOf(type, item) }))
    }),
  )
  return lists.flat()
}

/** What super has of it, under the names that the tenant knows. What Berth makes beside, as the Secrets with tokens of pods, is left to `berth verify`. */
export const superSide = async (
  superClient: KubeClient,
  { uid, name }: Pick<ChaosTenant, 'uid' | 'name'>,
): Promise<SideObject[]> => {
  const namespace = superNamespace({ uid, name }, loadNamespace)
  const lists = await Promise.all(
    carriedTypes.map(async (type) => {
      const { items } = await superClient.list(type, { namespace, labelSelector: `${tenantLabel}=${uid}`, timeoutMs: listMs })
      return items
        .filter(({ metadata }) => metadata.annotations?.[tenantNamespaceAnnotation] === loadNamespace)
        .filter(({ metadata }) => type.plural !== 'secrets' || metadata.name === metadata.annotations?.[tenantNameAnnotation])
        .map((item) => ({
          plural: type.plural,
          name: item.metadata.annotations?.[tenantNameAnnotation] ?? '',
          content: commonOf(type, item),
        }))
    }),
  )
  return lists.flat()
}
