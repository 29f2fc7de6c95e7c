import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** Reads lines until `pick` gives something for one. @throws when the stream ends first, with the last lines it had. */
export const untilLine = <T>(stream: Readable, pick: (line: string) => T | undefined): Promise<T> =>
  new Promise((resolve, reject) => {
    const seen: string[] = []
    const lines = createInterface({ input: stream })
    lines.on('line', (line) => {
      seen.push(line)
      if (seen.length > 20) seen.shift()
      let picked: T | undefined
      try {
        picked = pick(line)
      } catch (error) {
        reject(error)
      }
      if (picked === undefined) return
      resolve(picked)
      lines.close()
      stream.resume() // the writer must not be held up by what nobody reads
    })
    lines.on('close', () => reject(new Error(`the output ended without the line that was waited for: ${seen.join('\n')}`)))
  })
