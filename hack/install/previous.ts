import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { berthImage } from '../berth-image.ts'
import { cacheDir } from '../cache.ts'
import type { ImageArchive } from '../images/oci-image.ts'
import { withLock } from '../lock.ts'
import { installPackages } from '../npm-packages.ts'
import { type Progress, silent } from '../progress.ts'
import { attempt, run } from '../run.ts'
import { choosePrevious, type History } from './previous-commit.ts'

const root = join(import.meta.dirname, '../..')
/** What an installation is made of. */
const shipped = [
  'src',
  'manifests',
  'package.json',
  'package-lock.json',
  ':!src/testing',
  ':!src/**/*.test.ts',
  ':!manifests/samples',
]

/** Berth as it was before this tree. */
export interface PreviousBerth {
  /** Which it is and why, in words. It is Berth of this tree itself when no version before is known. */
  readonly words: string
  /** `kubectl apply -k` of its `base` installs it. */
  readonly manifests: string
  readonly image: ImageArchive
}

const git = async (...args: readonly string[]): Promise<string> => (await run('git', args, { cwd: root })).trim()
const lines = (text: string): string[] => text.split('\n').filter(Boolean)

const differs = async (revision: string): Promise<boolean> =>
  (await git('diff', '--name-only', revision, '--', ...shipped)) !== ''

const history = async (): Promise<History> => {
  const inside = await attempt('git', ['rev-parse', '--is-shallow-repository'], { cwd: root })
  if (!inside.ok) return { isRepository: false, isShallow: false, isChanged: false, tags: [], commits: [] }
  const versions = lines(await git('tag', '--merged', 'HEAD', '--sort=-version:refname', '--list', 'v[0-9]*')).slice(0, 3)
  const tags: string[] = []
  for (const version of versions) if (await differs(version)) tags.push(version)
  return {
    isRepository: true,
    isShallow: inside.output.trim() === 'true',
    isChanged: (await git('status', '--porcelain', '--', ...shipped)) !== '',
    tags,
    commits: lines(await git('log', '-20', '--format=%H', '--', ...shipped)),
  }
}

const isSameLock = async (dir: string): Promise<boolean> => {
  const locks = await Promise.all([root, dir].map((each) => readFile(join(each, 'package-lock.json'), 'utf8')))
  return locks[0] === locks[1]
}

/** The sources of a commit in the cache. */
const takeSources = async (commit: string, progress: Progress): Promise<string> => {
  const dir = join(cacheDir(), 'berth', `sources-${commit.slice(0, 16)}`)
  if (existsSync(dir)) return dir
  const partial = `${dir}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  progress(`taking the sources of ${commit.slice(0, 12)}`)
  const archive = `${partial}.tar`
  await git('archive', '--output', archive, commit)
  await run('tar', ['-xf', archive, '-C', partial])
  await rm(archive)
  await rename(partial, dir)
  return dir
}

/** The packages to build them with: those of this tree where they are the same, each time anew, as another tree that lent its own may be gone. */
const givePackages = async (dir: string, progress: Progress): Promise<void> => {
  const packages = join(dir, 'node_modules')
  if (await isSameLock(dir)) {
    await rm(packages, { recursive: true, force: true })
    await symlink(join(root, 'node_modules'), packages)
  } else if (!existsSync(join(packages, '.package-lock.json'))) {
    progress('installing the packages of the version before')
    installPackages(dir, [])
  }
}

/** Berth of the version before, its image built by its own sources: of what they share with ours nothing is built again. Without a version before, Berth of this tree. */
export const previousBerth = async (progress: Progress = silent): Promise<PreviousBerth> => {
  const { revision, reason } = choosePrevious(await history())
  if (revision === undefined) {
    const words = `Berth of this tree itself: ${reason}`
    return { words, manifests: join(root, 'manifests'), image: await berthImage(progress) }
  }
  const commit = await git('rev-parse', `${revision}^{commit}`)
  const build = async (): Promise<PreviousBerth> => {
    const dir = await takeSources(commit, progress)
    await givePackages(dir, progress)
    progress(`building the image of ${commit.slice(0, 12)}`)
    const output = await run(process.execPath, [join(dir, 'hack/berth-image.ts')], { cwd: dir, timeoutMs: 5 * 60_000 })
    const tar = output.trim().split('\n').at(-1) ?? ''
    return {
      words: `${commit.slice(0, 12)}: ${reason}`,
      manifests: join(dir, 'manifests'),
      image: JSON.parse(await readFile(`${tar}.json`, 'utf8')) as ImageArchive,
    }
  }
  return withLock(join(cacheDir(), 'locks', 'sources'), build, { deadlineMs: 10 * 60_000 })
}
