import { createHash } from 'node:crypto'

/** What went through a stream. */
export interface Passed {
  readonly sizeBytes: number
  /** In hex. */
  readonly sha256: string
}

/** The same stream, counted and hashed on its way; `passed` is of all of it once it has ended. */
export const counted = (source: AsyncIterable<Buffer>): { readonly stream: AsyncGenerator<Buffer>; passed(): Passed } => {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const stream = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk)
      sizeBytes += chunk.length
      yield chunk
    }
  }
  return { stream: stream(), passed: () => ({ sizeBytes, sha256: hash.copy().digest('hex') }) }
}
