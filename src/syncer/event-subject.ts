import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey, resourceTypes } from '../apis/resource-types.ts'
import { tenantLabel, tenantNameAnnotation } from '../tenancy/marks.ts'
import { storeKey } from './keys.ts'
import { isMirrored } from './resources/mirrored.ts'
import { informerOf, type SuperSide, type SyncDeps, type TenantSide } from './sides.ts'
import { ownerOf } from './super-object.ts'

/** What kubelet and node controller say of a node's health. Others may name processes and pods that are not the tenant's (`SystemOOM`, `OOMKilling`). */
const nodeReasons: ReadonlySet<string> = new Set([
  'DeletingNode',
  'NodeAllocatableEnforced',
  'NodeHasDiskPressure',
  'NodeHasInsufficientMemory',
  'NodeHasInsufficientPID',
  'NodeHasNoDiskPressure',
  'NodeHasSufficientMemory',
  'NodeHasSufficientPID',
  'NodeNotReady',
  'NodeNotSchedulable',
  'NodeReady',
  'NodeSchedulable',
  'Rebooted',
  'RegisteredNode',
  'RemovingNode',
  'Shutdown',
  'Starting',
])

/** Who is to hear of an Event of super: UIDs of tenants. A Node may be seen by many, all else belongs to one. */
export const hearersOf = (
  { involvedObject, reason }: KubeObject,
  { superSide, tenants }: { readonly superSide: SuperSide; readonly tenants: ReadonlyMap<string, { readonly side: TenantSide }> },
): readonly string[] => {
  const { kind, name = '', namespace } = involvedObject ?? {}
  const ofNamespace = (superNamespace: string | undefined): readonly string[] => {
    const uid = informerOf(superSide.informers, 'namespaces').get(superNamespace ?? '')?.metadata.labels?.[tenantLabel]
    return uid !== undefined && tenants.has(uid) ? [uid] : []
  }
  switch (kind) {
    case 'Node':
      return nodeReasons.has(reason)
        ? [...tenants].filter(([, { side }]) => side.informers.get('nodes')?.get(name)).map(([uid]) => uid)
        : []
    case 'PersistentVolume':
      return ofNamespace(informerOf(superSide.informers, 'persistentvolumes').get(name)?.spec?.claimRef?.namespace)
    case 'Namespace':
      return ofNamespace(name)
    default:
      return ofNamespace(namespace)
  }
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '')

export interface EventSubject {
  readonly involved: KubeObject
  /** The Event is about the very object that stands in super for it, not about one that had its name before. */
  readonly isCertain: boolean
}

/** The tenant's object that an Event of super is about; undefined when it has none, or is not to hear of this. */
export const eventSubject = (
  { involvedObject, metadata, reason }: KubeObject,
  { tenant, superSide }: Pick<SyncDeps, 'tenant' | 'superSide'>,
): EventSubject | undefined => {
  const { kind, name = '', uid, apiVersion } = involvedObject ?? {}
  const tenantNamespaceOf = (superNamespace: string): string | undefined => {
    const live = informerOf(superSide.informers, 'namespaces').get(superNamespace)
    return live?.metadata.labels?.[tenantLabel] === tenant.ctx.tenant.uid
      ? live?.metadata.annotations?.[tenantNameAnnotation]
      : undefined
  }
  if (kind === 'Node' || kind === 'PersistentVolume') {
    const type = kind === 'Node' ? resourceTypes.nodes : resourceTypes.persistentVolumes
    const copy = informerOf(tenant.informers, type.plural).get(name)
    return copy && isMirrored(copy) && (kind !== 'Node' || nodeReasons.has(reason))
      ? { involved: copy, isCertain: false }
      : undefined
  }
  if (kind === 'Namespace') {
    const involved = informerOf(tenant.informers, 'namespaces').get(tenantNamespaceOf(name) ?? '')
    return involved && { involved, isCertain: false }
  }
  const resource = [...tenant.resources.values()].find(
    ({ type }) => type.kind === kind && (!apiVersion || groupOf(apiVersion) === type.group),
  )
  const namespace = tenantNamespaceOf(metadata.namespace ?? '')
  if (!resource || namespace === undefined) return undefined
  const involved = tenant.informers.get(kindKey(resource.type))?.get(storeKey(namespace, name))
  const superObject = superSide.informers.get(kindKey(resource.type))?.get(storeKey(metadata.namespace ?? '', name))
  if (superObject && uid && superObject.metadata.uid !== uid) return undefined
  if (!involved || (superObject && ownerOf(superObject)?.objectUid !== involved.metadata.uid)) return undefined
  return { involved, isCertain: superObject !== undefined && uid !== undefined }
}
