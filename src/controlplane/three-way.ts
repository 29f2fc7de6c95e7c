import { isDeepStrictEqual } from 'node:util'

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

/** True when `live` says all that `wanted` says; what a server added to objects is no difference, what somebody added to a list is one. */
export const covers = (live: unknown, wanted: unknown): boolean => {
  if (Array.isArray(wanted)) {
    return Array.isArray(live) && live.length === wanted.length && wanted.every((item, index) => covers(live[index], item))
  }
  if (isFields(wanted)) {
    return Object.entries(wanted).every(([key, value]) => value === undefined || covers(fieldsOf(live)[key], value))
  }
  return isDeepStrictEqual(live, wanted)
}

/** The only list in which one item is merged with another: each container is found by its name. */
const mergedByName: ReadonlySet<string> = new Set(['containers'])

const named = (list: unknown): Fields =>
  Object.fromEntries((Array.isArray(list) ? list : []).flatMap((item) => (isFields(item) ? [[String(item['name']), item]] : [])))

const mergeField = (key: string, wanted: unknown, last: unknown, live: unknown): unknown => {
  if (isFields(wanted) && (isFields(live) || live === undefined) && (isFields(last) || last === undefined)) {
    // Taken away as a whole by somebody else.
    if (live === undefined && last !== undefined) return undefined
    return mergeFields(wanted, fieldsOf(last), fieldsOf(live))
  }
  if (mergedByName.has(key) && [wanted, last, live].every(Array.isArray)) {
    return Object.values(mergeFields(named(wanted), named(last), named(live)))
  }
  const isEdited = last === undefined ? live !== undefined : !covers(live, last)
  return isEdited ? live : wanted
}

const mergeFields = (wanted: Fields, last: Fields, live: Fields): Fields =>
  Object.fromEntries(
    [...new Set([...Object.keys(wanted), ...Object.keys(last)])]
      .map((key) => [key, mergeField(key, wanted[key], last[key], live[key])] as const)
      .filter(([, value]) => value !== undefined),
  )

/**
 * What to apply over an object that somebody else edits as well: `wanted` where `live` is as it was last applied, and `live` where it is not. A field that was
 * never applied before and has a value is somebody else's, the server's default included.
 */
export const threeWay = (wanted: Fields, last: Fields, live: Fields): Fields => mergeFields(wanted, last, live)
