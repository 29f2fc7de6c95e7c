import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { ObjectRef } from '../../kube/client.ts'

const byKind = new Map<string, ResourceType>(Object.values(resourceTypes).map((type) => [type.kind, type]))

/** The resource of an object of the manifests. Throws where Berth knows no such kind. */
export const typeOf = ({ kind = '' }: Pick<KubeObject, 'kind'>): ResourceType => {
  const type = byKind.get(kind)
  if (!type) throw new Error(`the manifests have a ${kind}, which nothing here knows`)
  return type
}

export const refOf = ({ metadata: { name = '', namespace } }: KubeObject): ObjectRef => ({
  name,
  ...(namespace !== undefined && { namespace }),
})

/** `resource.group/name` as kubectl prints it, with the namespace where it has one. */
export const idOf = (object: KubeObject): string => {
  const { kind, group } = typeOf(object)
  const { name, namespace } = refOf(object)
  return `${kind.toLowerCase()}${group && `.${group}`}/${name}${namespace === undefined ? '' : ` in ${namespace}`}`
}
