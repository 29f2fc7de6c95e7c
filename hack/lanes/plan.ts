import type { ProviderName } from '../cluster/provider.ts'

/** A cluster with its tenants takes up to about 6 GiB while its stories run; the rest of a machine wants some too. */
const gibPerLane = 8
/** What `LANES` has to ask for to have more. */
export const usualLanes = 2

/**
 * How many clusters the stories run on at once. They mostly wait, so that two lanes take little more than half the time of one. Only local clusters stand side by
 * side.
 * @param asked is what `LANES` says.
 * @param memoryGiB is all the memory of the machine.
 * @throws when `asked` is not a number of lanes.
 */
export const laneCount = ({
  asked,
  provider,
  memoryGiB,
}: {
  readonly asked?: string | undefined
  readonly provider: ProviderName
  readonly memoryGiB: number
}): number => {
  if (asked !== undefined && !/^[1-9]$/.test(asked))
    throw new Error(`LANES is "${asked}": it must be a number from 1 to 9, of clusters to run stories on at once`)
  // An existing one is somebody else's. Clusters of kind share one network: their Service ranges, and the route to them, would be the same.
  if (provider !== 'local') return 1
  if (asked !== undefined) return Number(asked)
  return Math.max(1, Math.min(usualLanes, Math.floor(memoryGiB / gibPerLane)))
}

/** Clusters of the lanes. The first is the test cluster itself, so that one lane is what it always was. */
export const laneClusters = (testCluster: string, lanes: number): string[] =>
  Array.from({ length: lanes }, (_, index) => (index === 0 ? testCluster : `${testCluster}-${index + 1}`))

/**
 * Files in the order in which lanes should take them: the longest first, so that none is left over at the end for one lane alone. A file that nobody has
 * timed may be long, and comes before all others.
 * @param seconds is what each took once, by its name.
 */
export const longestFirst = (files: readonly string[], seconds: Readonly<Record<string, number>>): string[] => {
  const secondsOf = (file: string): number => seconds[file] ?? Number.POSITIVE_INFINITY
  return [...files].sort((a, b) => Math.sign(secondsOf(b) - secondsOf(a)) || a.localeCompare(b))
}
