import { realpathSync } from 'node:fs'
import { run } from '../run.ts'
import type { ImageFile } from './oci-image.ts'

/** The shared libraries that the programs load, with the loader, at the paths where they are looked for. */
export const librariesOf = async (programs: readonly string[]): Promise<ImageFile[]> => {
  const listings = await Promise.all(programs.map((program) => run('ldd', [program])))
  // Lines read "name => /path (address)" or, for the loader, "/path (address)".
  const paths = new Set(
    listings.flatMap((listing) => [...listing.matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)].map(([, path = '']) => path)),
  )
  return [...paths].sort().map((path) => ({ path, source: realpathSync(path) }))
}
