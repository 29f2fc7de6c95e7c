import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'
import { tenantLabel } from '../../tenancy/marks.ts'
import type { SyncContext } from '../resource.ts'
import { syncedResources } from '../resources/index.ts'
import { ownerOf } from '../super-object.ts'
import { isTokenSecret } from '../verify/compare-fittings.ts'
import { kindOfWord, type ObjectWords } from './kind-words.ts'

interface SuperReads {
  readonly management: KubeClient
  readonly superClient: KubeClient
  readonly signal: AbortSignal
}

const nobodys = (what: string): AppError =>
  new AppError('CONFIG_INVALID', `${what}: name an object in a namespace that a tenant has in super`, {})

/** The super namespace that says whose an object is. */
const namespaceFor = async ({ kind, namespace, name }: ObjectWords, { superClient, signal }: SuperReads): Promise<string> => {
  const known = kindOfWord(kind, syncedResources)
  if (known?.kind === 'down' && known.resource.type.kind === 'Namespace') return name
  if (known?.kind !== 'up') {
    if (namespace === undefined) throw nobodys(`${kind}/${name} has no namespace`)
    return namespace
  }
  if (known.type.kind !== 'PersistentVolume') throw nobodys(`a ${known.type.kind} of super belongs to no tenant`)
  const volume = await superClient.get<KubeObject>(resourceTypes.persistentVolumes, { name }, { signal })
  if (!volume) throw new AppError('KUBE_NOT_FOUND', `super has no persistentvolumes/${name}`, {})
  const claimed: unknown = volume['spec']?.claimRef?.namespace
  if (typeof claimed !== 'string') throw nobodys(`the PersistentVolume ${name} is claimed by nobody`)
  return claimed
}

/** The tenant that has the namespace of an object of super. Throws KUBE_NOT_FOUND, TENANT_NOT_FOUND and CONFIG_INVALID. */
export const tenantOfSuperObject = async (
  words: ObjectWords,
  reads: SuperReads,
): Promise<{ readonly name: string; readonly namespace: string }> => {
  const name = await namespaceFor(words, reads)
  const { management, superClient, signal } = reads
  const superNamespace = await superClient.get<KubeObject>(resourceTypes.namespaces, { name }, { signal })
  if (!superNamespace) throw new AppError('KUBE_NOT_FOUND', `super has no namespace ${name}`, {})
  const uid = superNamespace.metadata.labels?.[tenantLabel]
  if (uid === undefined) throw nobodys(`namespace ${name} of super is no tenant's`)
  const { items } = await management.list(resourceTypes.tenantControlPlanes, { metadataOnly: true, signal })
  const found = items.find(({ metadata }) => metadata.uid === uid)?.metadata
  if (found?.name !== undefined && found.namespace !== undefined) return { name: found.name, namespace: found.namespace }
  throw new AppError('TENANT_NOT_FOUND', `namespace ${name} of super is of tenant ${uid}, which is not there any more`, {})
}

type OwnerInTenant =
  | { readonly kind: 'object'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'none'; readonly why: string }

/** Pure: which object of the tenant an object in one of its super namespaces stands for. */
export const ownerInTenant = (superObject: KubeObject, { uid }: Pick<SyncContext['tenant'], 'uid'>): OwnerInTenant => {
  const owner = ownerOf(superObject)
  if (isTokenSecret(superObject)) return { kind: 'none', why: 'Berth made it: it has the tokens, certificates or trust of a pod' }
  if (owner && owner.tenantUid === uid) return { kind: 'object', namespace: owner.namespace, name: owner.name }
  const maker = superObject.metadata.ownerReferences?.find(({ controller }) => controller)
  if (maker)
    return {
      kind: 'none',
      why: `a controller of super made it, for ${maker.kind} ${maker.name}: it stands for no object of the tenant`,
    }
  return { kind: 'none', why: 'it has no marks of Berth: somebody else made it in super' }
}
