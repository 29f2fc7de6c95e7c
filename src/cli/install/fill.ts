import type { KubeObject } from '../../apis/kube-object.ts'
import type { Hole, Step } from './holes.ts'

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** True for what leaves nothing in a hole, as in Helm's `with`. */
const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (isMap(value) && Object.keys(value).length === 0)

const without = (map: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(map).filter(([each]) => each !== key))

/** The same tree with `value` at the end of the path, or nothing there if it is empty. Lists before `append` take its entries. Throws where a list has no such name. */
export const fillAt = (tree: unknown, [step, ...rest]: readonly Step[], value: unknown): unknown => {
  if (step === undefined) return value
  if (typeof step !== 'string' && 'append' in step)
    return [...(Array.isArray(tree) ? tree : []), ...(Array.isArray(value) ? value : [])]
  if (typeof step !== 'string') {
    const list = Array.isArray(tree) ? (tree as unknown[]) : []
    const at = list.findIndex((entry) => isMap(entry) && entry['name'] === step.named)
    if (at < 0) throw new Error(`no entry named ${step.named} in a list of the manifests`)
    return list.with(at, fillAt(list[at], rest, value))
  }
  const map = isMap(tree) ? tree : {}
  if (rest.length === 0 && isEmpty(value)) return without(map, step)
  return { ...map, [step]: fillAt(map[step], rest, value) }
}

/** Whose holes are whose. */
export const holeKey = ({ kind, metadata }: KubeObject): string => `${kind}/${metadata.name}`

/** The object with all its holes filled. */
export const fillHoles = (object: KubeObject, holes: readonly Hole[], give: (hole: Hole) => unknown): KubeObject =>
  holes
    .filter((hole) => hole.object === holeKey(object))
    .reduce<KubeObject>((filled, hole) => fillAt(filled, hole.path, give(hole)) as KubeObject, object)
