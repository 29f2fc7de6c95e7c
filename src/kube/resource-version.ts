const decimal = /^[1-9]\d{0,30}$/

/**
 * Order of two resourceVersions: they are decimal numbers that only grow (KEP-5504), too long for a double.
 * Undefined when one of them is not a number, as an aggregated API may have it.
 */
export const compareResourceVersions = (a: string | undefined, b: string | undefined): -1 | 0 | 1 | undefined => {
  if (a === undefined || b === undefined || !decimal.test(a) || !decimal.test(b)) return undefined
  if (a === b) return 0
  if (a.length !== b.length) return a.length < b.length ? -1 : 1
  return a < b ? -1 : 1
}

/** True when `a` is known to be newer than `b`. */
export const isNewer = (a: string | undefined, b: string | undefined): boolean => compareResourceVersions(a, b) === 1
/** True when `a` is known to be older than `b`. */
export const isOlder = (a: string | undefined, b: string | undefined): boolean => compareResourceVersions(a, b) === -1
