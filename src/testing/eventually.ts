export interface EventuallyOptions {
  /** Default 10 s. */
  readonly deadlineMs?: number
  /** What is waited for, for the message. */
  readonly describe?: string
  /** Default 20 ms. */
  readonly everyMs?: number
}

/**
 * Asks again until `check` gives something truthy, and returns that. A check that throws counts as not yet. At the deadline it throws what was seen last.
 */
export const eventually = async <T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<NonNullable<T>> => {
  const { deadlineMs = 10_000, describe = 'the condition', everyMs = 20 } = options
  const end = performance.now() + deadlineMs
  let seen: unknown
  for (;;) {
    try {
      const value = await check()
      if (value) return value
      seen = value
    } catch (error) {
      seen = error
    }
    if (performance.now() > end) {
      throw new Error(`${describe} did not come within ${deadlineMs} ms; seen last: ${show(seen)}`, { cause: seen })
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

const show = (value: unknown): string =>
  value instanceof Error ? value.message : (JSON.stringify(value)?.slice(0, 2000) ?? String(value))
