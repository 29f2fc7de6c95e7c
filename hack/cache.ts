import { createHash, randomUUID } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where everything that can be made again is kept: binaries, images, Node. `BERTH_CACHE_DIR` moves it. */
export const cacheDir = (): string => process.env['BERTH_CACHE_DIR'] ?? join(homedir(), '.cache', 'berth')

/** A short name for a content: the first 16 hex digits of SHA-256 over the parts, each closed by a zero byte. */
export const contentKey = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex').slice(0, 16)
}

/** Where a file is written before it takes its name: another place each time, as others may be writing the same file, in this process too. */
export const partialPath = (path: string): string => `${path}.${randomUUID().slice(0, 8)}.partial`
