type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A document after a JSON merge patch (RFC 7396): null takes a field away, objects are laid over each other, all else takes the place of what was. */
export const mergePatched = (target: unknown, patch: unknown): unknown => {
  if (!isFields(patch)) return patch
  const base = isFields(target) ? target : {}
  const kept = Object.entries(base).filter(([key]) => !Object.hasOwn(patch, key))
  const changed = Object.entries(patch)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [key, mergePatched(Object.hasOwn(base, key) ? base[key] : undefined, value)] as const)
  return Object.fromEntries([...kept, ...changed])
}
