import { existsSync, realpathSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from '../cache.ts'
import { run } from '../run.ts'
import type { ImageFile } from './oci-image.ts'

/** The shared libraries that the programs load, with the loader, at the paths where they are looked for: in `folders` (with colons between them) first. */
export const librariesOf = async (programs: readonly string[], folders = ''): Promise<ImageFile[]> => {
  const env = { LD_LIBRARY_PATH: folders }
  const listings = await Promise.all(programs.map((program) => run('ldd', [program], { env })))
  // Lines read "name => /path (address)" or, for the loader, "/path (address)".
  const paths = new Set(
    listings.flatMap((listing) => [...listing.matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)].map(([, path = '']) => path)),
  )
  return [...paths].sort().map((path) => ({ path, source: realpathSync(path) }))
}

/** Folder with the content of a Debian package, unpacked and not installed: for servers that would start on this machine. */
export const unpackedPackage = async (name: string): Promise<string> => {
  const candidate = /Candidate: (\S+)/.exec(await run('apt-cache', ['policy', name]))?.[1]
  if (candidate === undefined) throw new Error(`Debian has no package ${name}: apt-get update`)
  const base = join(cacheDir(), 'debian')
  const dir = join(base, `${name}-${candidate.replaceAll(/[^A-Za-z0-9.+-]/g, '_')}`)
  if (existsSync(dir)) return dir
  await mkdir(base, { recursive: true })
  const partial = await mkdtemp(join(base, '.partial-'))
  try {
    await run('apt-get', ['-q', 'download', `${name}=${candidate}`], { cwd: partial, timeoutMs: 300_000 })
    const [archive = ''] = await readdir(partial)
    await run('dpkg-deb', ['-x', archive, 'content'], { cwd: partial })
    await rename(join(partial, 'content'), dir).catch((error: unknown) => {
      // Another lane was quicker; both have unpacked the same.
      if (!existsSync(dir)) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return dir
}
