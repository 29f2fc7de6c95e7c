/** Runs `work` for each number below `count`, `limit` at a time. The first failure stops the rest and is thrown. */
export const inFlight = async (count: number, limit: number, work: (index: number) => Promise<void>): Promise<void> => {
  let next = 0
  let failed = false
  const lane = async (): Promise<void> => {
    while (next < count && !failed) {
      const index = next
      next += 1
      try {
        await work(index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, count) }, lane))
}
