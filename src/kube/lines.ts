import { AppError } from '../lib/errors.ts'
import type { Hold } from './held-bytes.ts'
import { smallestLookedAt } from './json-limits.ts'
import type { JsonScan } from './json-scan.ts'

/**
 * Splits a byte stream into lines at 0x0A and nowhere else: JSON may hold U+2028 and friends, at which line readers of the
 * platform split too. Throws KUBE_TOO_LARGE when a line grows beyond `maxBytes`, what a look at a line that is not small throws, and what `unread` throws, which is told
 * of the pieces of a line that is not whole.
 */
export const createLineSplitter = (
  maxBytes: number,
  { scanOf, unread }: { scanOf?: (() => JsonScan) | undefined; unread?: Hold | undefined } = {},
) => {
  let parts: Buffer[] = []
  let held = 0
  let scan: JsonScan | undefined
  let lookedAt = 0
  const look = () => {
    if (!scanOf || held < smallestLookedAt) return
    scan ??= scanOf()
    for (; lookedAt < parts.length; lookedAt += 1) scan.push(parts[lookedAt] as Buffer)
  }
  const hold = (part: Buffer) => {
    parts.push(part)
    held += part.length
    unread?.add(part.length)
    if (held > maxBytes) throw new AppError('KUBE_TOO_LARGE', `one line of a watch is over ${maxBytes} bytes`, { maxBytes })
    look()
  }
  /** The line that is complete, if it is not empty. */
  const take = (): string | undefined => {
    if (held === 0) return undefined
    const [first] = parts
    const line = parts.length === 1 && first ? first : Buffer.concat(parts)
    parts = []
    held = 0
    unread?.letGo()
    scan = undefined
    lookedAt = 0
    return line.toString('utf8')
  }
  /** Complete lines that `chunk` ends, without their newline; the rest is kept for the next call. */
  const push = (chunk: Buffer): string[] => {
    const lines: string[] = []
    let from = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      if (at > from) hold(chunk.subarray(from, at))
      from = at + 1
      const line = take()
      if (line !== undefined) lines.push(line)
    }
    if (from < chunk.length) hold(chunk.subarray(from))
    return lines
  }
  return { push }
}
