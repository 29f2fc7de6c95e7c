import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Needs no package itself: it runs before there are any. */

const versions = (path: string): Map<string, string> => {
  const { packages } = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, { version: string }> }
  return new Map(Object.entries(packages).map(([place, { version }]) => [place, version]))
}

/**
 * Installs the packages of a folder's lockfile, neither more nor other ones. `npm ci` would do the same, but gives up when packages for
 * other operating systems are not in the lockfile, which not every registry has.
 * @throws with npm's words when it fails, and with the packages that differ from the lockfile.
 */
export const installPackages = (dir: string, options: readonly string[]): void => {
  const { status, stdout, stderr, error } = spawnSync('npm', ['install', '--no-save', '--loglevel=error', ...options], {
    cwd: dir,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`npm install failed in ${dir}:\n${stderr || stdout}`, { cause: error })
  const locked = versions(join(dir, 'package-lock.json'))
  const installed = versions(join(dir, 'node_modules/.package-lock.json'))
  const other = [...installed].filter(([place, version]) => locked.get(place) !== version).map(([place]) => place)
  if (other.length > 0)
    throw new Error(`package-lock.json does not fit package.json: ${other.join(', ')} would be another version. Run npm install.`)
}

if (import.meta.main) installPackages(join(import.meta.dirname, '..'), [])
