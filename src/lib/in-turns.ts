/** Does `work` for all, `atOnce` of them at a time. Results are in the order of what they are of; the first failure is thrown. */
export const inTurns = async <T, R>(all: readonly T[], atOnce: number, work: (each: T) => Promise<R>): Promise<readonly R[]> => {
  const results: R[] = []
  const left = all.entries()
  await Promise.all(
    Array.from({ length: Math.min(atOnce, all.length) }, async () => {
      for (const [index, each] of left) results[index] = await work(each)
    }),
  )
  return results
}
