import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import { builtInKinds, knownCustomKinds } from '../../tenancy/kinds.ts'
import type { SyncedResource } from '../resource.ts'
import { mirroredKinds } from '../resources/mirrored.ts'

/** An object as people write it: `pods/shop/web`. */
export interface ObjectWords {
  readonly kind: string
  /** Undefined: not said. */
  readonly namespace: string | undefined
  readonly name: string
}

/** Kubernetes' own short names of the kinds that are synced. */
const shortNames: Readonly<Record<string, string>> = {
  cm: 'configmaps',
  gc: 'gatewayclasses',
  gtw: 'gateways',
  ing: 'ingresses',
  netpol: 'networkpolicies',
  no: 'nodes',
  ns: 'namespaces',
  pc: 'priorityclasses',
  pdb: 'poddisruptionbudgets',
  po: 'pods',
  pv: 'persistentvolumes',
  pvc: 'persistentvolumeclaims',
  sc: 'storageclasses',
  svc: 'services',
  vs: 'volumesnapshots',
}

/** Kinds whose objects in the tenant are made from super's. */
export const upKinds: readonly ResourceType[] = [
  resourceTypes.nodes,
  resourceTypes.persistentVolumes,
  ...mirroredKinds.map(({ type }) => type),
]

export type KnownKind =
  /** Goes down, and what super says comes up. */
  | { readonly kind: 'down'; readonly resource: SyncedResource }
  | { readonly kind: 'up'; readonly type: ResourceType }
  /** Is in the tenant only. */
  | { readonly kind: 'none'; readonly name: string; readonly why: string }

const isMeant = ({ group, plural, kind }: Pick<ResourceType, 'group' | 'plural' | 'kind'>, word: string): boolean =>
  [plural, kind.toLowerCase(), `${plural}.${group}`, `${kind.toLowerCase()}.${group}`].includes(word)

const whyNot = { tenant: "the tenant's own control plane does all there is to do", kept: 'it is stored, and nothing acts on it' }

/** The kind that a person means: plural, singular, short name or kind, with the group after a dot where two have the name. Undefined: there is none. */
export const kindOfWord = (said: string, resources: readonly SyncedResource[]): KnownKind | undefined => {
  const lower = said.toLowerCase()
  const word = shortNames[lower] ?? lower
  const resource = resources.find(({ type }) => isMeant(type, word))
  if (resource) return { kind: 'down', resource }
  const up = upKinds.find((type) => isMeant(type, word))
  if (up) return { kind: 'up', type: up }
  const known = [...builtInKinds, ...knownCustomKinds].find((kind) => isMeant(kind, word))
  if (!known) return undefined
  const { fate, note, kind } = known
  const why = fate === 'tenant' || fate === 'kept' ? whyNot[fate] : 'what super says of an object that went down'
  return { kind: 'none', name: kind, why: note === undefined ? why : `${why}: ${note}` }
}
