import { AppError } from '../lib/errors.ts'

/**
 * Splits a byte stream into lines at 0x0A and nowhere else: JSON may hold U+2028 and friends, at which line readers of the
 * platform split too. Throws KUBE_TOO_LARGE when a line grows beyond `maxBytes`.
 */
export const createLineSplitter = (maxBytes: number) => {
  let parts: Buffer[] = []
  let held = 0
  /** Complete lines that `chunk` ends, without their newline; the rest is kept for the next call. */
  const push = (chunk: Buffer): string[] => {
    const lines: string[] = []
    let from = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const tail = chunk.subarray(from, at)
      from = at + 1
      if (held === 0) {
        if (tail.length > 0) lines.push(tail.toString('utf8'))
        continue
      }
      parts.push(tail)
      lines.push(Buffer.concat(parts).toString('utf8'))
      parts = []
      held = 0
    }
    if (from < chunk.length) {
      const rest = chunk.subarray(from)
      held += rest.length
      if (held > maxBytes) throw new AppError('KUBE_TOO_LARGE', `one line of a watch is over ${maxBytes} bytes`, { maxBytes })
      parts.push(rest)
    }
    return lines
  }
  return { push }
}
