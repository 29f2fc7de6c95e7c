import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../lib/errors.ts'

const lookAgainMs = 500

/**
 * Waits until `complaint` has none for any of `names`. Throws DEADLINE_EXCEEDED with those that are left, each with its complaint.
 * `tell` hears a complaint whenever it is another one.
 */
export const eachUntil = async (
  names: readonly string[],
  complaint: (name: string) => Promise<string | undefined>,
  {
    timeoutMs,
    signal,
    tell = () => {},
  }: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly tell?: (line: string) => void },
): Promise<void> => {
  const end = performance.now() + timeoutMs
  const told = new Map<string, string>()
  for (let left = names; left.length > 0; ) {
    const complaints: string[] = []
    const still: string[] = []
    for (const name of left) {
      const found = await complaint(name)
      if (found === undefined) continue
      still.push(name)
      complaints.push(`${name}: ${found}`)
      if (told.get(name) !== found) tell(`${name}: ${found}`)
      told.set(name, found)
    }
    left = still
    if (left.length === 0) return
    if (performance.now() > end)
      throw new AppError('DEADLINE_EXCEEDED', `not there after ${Math.round(timeoutMs / 1000)} s: ${complaints.join('; ')}`, {})
    await sleep(lookAgainMs, undefined, { signal })
  }
}
