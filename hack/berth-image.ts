import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { cacheDir, contentKey } from './cache.ts'
import { commandLine } from './command-line.ts'
import { librariesOf } from './images/debian.ts'
import { buildImage, type ImageArchive, type ImageFile } from './images/oci-image.ts'
import { withLock } from './lock.ts'
import { installPackages } from './npm-packages.ts'
import { type Progress, printProgress, silent } from './progress.ts'
import { attempt } from './run.ts'

/** The one image of all of Berth's processes. */
export const berthImageName = 'ghcr.io/berth-dev/berth:dev'

const root = join(import.meta.dirname, '..')

const filesBelow = async (dir: string): Promise<string[]> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Makes a folder of the cache once; `make` fills a partial one, which takes the name only when it is whole. */
const cachedFolder = async (dir: string, make: (partial: string) => Promise<void>): Promise<string> => {
  if (existsSync(dir)) return dir
  await withLock(
    join(cacheDir(), 'locks', basename(dir)),
    async () => {
      if (existsSync(dir)) return
      const partial = `${dir}.partial`
      await rm(partial, { recursive: true, force: true })
      await mkdir(partial, { recursive: true })
      await make(partial)
      await rename(partial, dir)
    },
    { deadlineMs: 10 * 60_000 },
  )
  return dir
}

const inRoot = (file: string): string => join(root, file)

/** The JavaScript of `src`, by the content of its sources. */
const compiled = async (progress: Progress): Promise<string> => {
  const sources = (await filesBelow(inRoot('src'))).filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map(inRoot)
  const hash = createHash('sha256')
  for (const path of [...settings, ...sources])
    hash
      .update(relative(root, path))
      .update('\0')
      .update(await readFile(path))
  return cachedFolder(join(cacheDir(), 'berth', `dist-${hash.digest('hex').slice(0, 16)}`), async (partial) => {
    progress('compiling Berth')
    const { ok, code, output } = await attempt(inRoot('node_modules/.bin/tsc'), [
      '-p',
      inRoot('tsconfig.build.json'),
      '--outDir',
      partial,
    ])
    // 2: there are errors of types, all files are written. That is for `make check` to refuse, not for a try in between.
    if (!ok && code !== 2) throw new Error(`Berth does not compile:\n${output}`)
    if (!ok)
      progress(
        `Berth compiles with ${output.split('\n').filter((line) => line.includes(': error ')).length} errors: make check shows them`,
      )
  })
}

/** The packages that Berth needs when it runs, exactly as the lockfile has them. */
const productionModules = async (progress: Progress): Promise<string> => {
  const files = ['package.json', 'package-lock.json', '.npmrc']
  const { dependencies } = JSON.parse(await readFile(inRoot('package.json'), 'utf8')) as { dependencies: unknown }
  const key = contentKey(await readFile(inRoot('package-lock.json')), JSON.stringify(dependencies), process.version)
  const dir = await cachedFolder(join(cacheDir(), 'berth', `modules-${key}`), async (partial) => {
    progress("installing Berth's packages for the image")
    for (const file of files) await cp(inRoot(file), join(partial, file))
    installPackages(partial, ['--omit=dev', '--ignore-scripts'])
  })
  return join(dir, 'node_modules')
}

/** Copies of a folder's files for a place in the image, without what only people and compilers read. */
const folderFiles = async (dir: string, place: string): Promise<ImageFile[]> =>
  (await filesBelow(dir))
    .filter((path) => !/(\.d\.[cm]?ts|\.map|\.md|\.markdown)$|\/\.bin\/|\/\.package-lock\.json$/.test(path))
    .map((source) => ({ path: join(place, relative(dir, source)), source, mode: 0o644 }))

const nodeFiles = async (): Promise<ImageFile[]> => {
  const node = realpathSync(process.execPath)
  return [
    { path: '/usr/local/bin/node', source: node },
    ...(await librariesOf([node])),
    { path: '/tmp', directory: true, mode: 0o1777 },
  ]
}

/** Builds the image from the sources as they are; nothing is done again for sources that were built before. */
export const berthImage = async (progress: Progress = silent): Promise<ImageArchive> => {
  const dist = await compiled(progress)
  const modules = await productionModules(progress)
  return buildImage({
    names: [berthImageName],
    // What changes least comes first: nodes keep the layers they have.
    layers: [
      await nodeFiles(),
      await folderFiles(modules, '/app/node_modules'),
      [
        { path: '/app/package.json', source: join(dirname(modules), 'package.json'), mode: 0o644 },
        ...(await folderFiles(dist, '/app/dist')),
        // What `berth install` applies.
        ...(await folderFiles(inRoot('manifests'), '/app/manifests')),
      ],
    ],
    env: { NODE_ENV: 'production' },
    user: '65532:65532',
    workdir: '/app',
  })
}

if (import.meta.main) await commandLine(async () => console.log((await berthImage(printProgress())).tar))
