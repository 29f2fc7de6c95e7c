const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isNothing = (value: unknown): boolean => value === undefined || value === null

/** True when two JSON values say the same; a field without a value and a missing one are alike. */
export const sameJson = (a: unknown, b: unknown): boolean => {
  if (a === b || (isNothing(a) && isNothing(b))) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]))
  if (!isObject(a) || !isObject(b)) return false
  for (const key of Object.keys(a)) if (!sameJson(a[key], b[key])) return false
  for (const key of Object.keys(b)) if (!isNothing(b[key]) && isNothing(a[key])) return false
  return true
}

/** The JSON merge patch (RFC 7386) that turns `from` into `to`: only what differs, `null` for what goes. Undefined when nothing differs. */
export const mergePatch = (from: unknown, to: unknown): unknown => {
  if (sameJson(from, to)) return undefined
  if (!isObject(from) || !isObject(to)) return to ?? null
  const patch: Record<string, unknown> = {}
  for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const change = mergePatch(from[key], to[key])
    if (change !== undefined) patch[key] = change
  }
  return patch
}
