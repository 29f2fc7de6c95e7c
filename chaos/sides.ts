import type { SideObject } from './stored.ts'

/** ConfigMaps and Secrets go down only when a pod uses them: in super they may be missing. */
const downWhenUsed = new Set(['configmaps', 'secrets'])

/**
 * What the two sides of a tenant do not have in common, in words: a second look beside `berth verify`, by other code. `used` are the names that are sure to
 * be in super of kinds that go down only when used. Pure.
 */
export const differencesOf = (
  tenant: readonly SideObject[],
  superObjects: readonly SideObject[],
  used: ReadonlySet<string>,
): string[] => {
  const keyOf = ({ plural, name }: SideObject): string => `${plural}/${name}`
  const above = new Map(tenant.map((object) => [keyOf(object), object]))
  const below = new Map(superObjects.map((object) => [keyOf(object), object]))
  const missing = tenant
    .filter((object) => !below.has(keyOf(object)) && (!downWhenUsed.has(object.plural) || used.has(object.name)))
    .map((object) => `${keyOf(object)} is not in super`)
  const left = superObjects.filter((object) => !above.has(keyOf(object))).map((object) => `${keyOf(object)} is left in super`)
  const other = tenant.flatMap((object) => {
    const counterpart = below.get(keyOf(object))
    return counterpart && counterpart.content !== object.content
      ? [`${keyOf(object)} says "${object.content.slice(0, 80)}" and in super "${counterpart.content.slice(0, 80)}"`]
      : []
  })
  return [...missing, ...left, ...other]
}
