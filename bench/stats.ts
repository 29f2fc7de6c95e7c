/** The smallest value that `share` (0 to 1) of all values do not exceed; nearest rank. NaN for no values. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** The middle value; of an even number the mean of the two in the middle. NaN for no values. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[sorted.length / 2 - 1] ?? Number.NaN) + upper) / 2
}

/** The order of one round: each way comes first, in the middle and last equally often. */
export const rotated = <T>(items: readonly T[], round: number): T[] => {
  const cut = items.length === 0 ? 0 : round % items.length
  return [...items.slice(cut), ...items.slice(0, cut)]
}
