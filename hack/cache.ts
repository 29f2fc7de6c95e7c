import { createHash } from 'node:crypto'
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
