import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, statSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { arch } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { cacheDir, contentKey, partialPath } from '../cache.ts'
import { withLock } from '../lock.ts'
import { fileEntry, type TarEntry, tar, textEntry } from './tar.ts'

/** A file of an image: copied from `source`, or made of `content`. Permissions are 0755 for all users unless given. */
export type ImageFile =
  | { readonly path: string; readonly source: string; readonly mode?: number }
  | { readonly path: string; readonly content: string; readonly mode?: number }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly directory: true; readonly mode?: number }

/** An image from scratch. Paths are absolute. Put what changes often into a later layer: nodes keep layers they have. */
export interface ImageSpec {
  /** Official names; all of them name the same image. */
  readonly names: readonly [string, ...string[]]
  readonly layers: readonly (readonly ImageFile[])[]
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Numeric `uid` or `uid:gid`, so that `runAsNonRoot` can be checked without a user table. */
  readonly user?: string
  readonly workdir?: string
}

/** A finished archive: an OCI image layout in one tar file, as `ctr images import` and `kind load image-archive` take it. */
export interface ImageArchive {
  readonly names: readonly string[]
  readonly tar: string
  /** Digest of the manifest: what a runtime shows for the name once it has the image. */
  readonly digest: string
}

/** Another process may be at an image for so long. */
const buildDeadlineMs = 10 * 60_000
/** So many archives of one image are kept. */
const keptArchives = 4

interface Blob {
  readonly digest: string
  readonly size: number
  readonly bytes: () => AsyncIterable<Uint8Array>
}

/** What a file is known by: binaries of the cache have their content in their path, the rest changes size or time. */
const identity = (file: ImageFile): string => {
  if (!('source' in file)) return JSON.stringify(file)
  const { size, mtimeMs } = statSync(file.source)
  return JSON.stringify([file, size, mtimeMs])
}

const relative = (path: string): string => path.replace(/^\/+/, '')

const entryOf = (file: ImageFile): TarEntry => {
  const path = relative(file.path)
  if ('linkTo' in file) return { kind: 'symlink', path, target: file.linkTo }
  if ('directory' in file) return { kind: 'directory', path, mode: file.mode ?? 0o755 }
  if ('content' in file) return textEntry(path, file.mode ?? 0o755, file.content)
  return fileEntry(path, file.mode ?? 0o755, file.source, statSync(file.source).size)
}

/** Every folder above the files, once and before what is in it, unless a file entry says how it should be. */
const withFolders = (files: readonly ImageFile[]): TarEntry[] => {
  const known = new Set(files.filter((file) => 'directory' in file).map((file) => relative(file.path)))
  const folders: TarEntry[] = []
  for (const file of files) {
    const parts = relative(file.path).split('/').slice(0, -1)
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth).join('/')
      if (known.has(path)) continue
      known.add(path)
      folders.push({ kind: 'directory', path, mode: 0o755 })
    }
  }
  return [...folders, ...files.map(entryOf)]
}

/** Writes the entries as one archive, whole or not at all. */
const writeTar = async (path: string, entries: readonly TarEntry[]): Promise<{ digest: string; size: number }> => {
  const partial = partialPath(path)
  const hash = createHash('sha256')
  let size = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of tar(entries)) {
      hash.update(chunk)
      size += chunk.length
      yield chunk
    }
  }
  try {
    await pipeline(counted, createWriteStream(partial))
    await rename(partial, path)
  } finally {
    await rm(partial, { force: true })
  }
  return { digest: hash.digest('hex'), size }
}

/** A layer with more files than this is kept as one file, since reading them all takes longer than anything else here. */
const keepLayersOf = 100

const layerBlob = async (files: readonly ImageFile[]): Promise<Blob> => {
  const entries = withFolders(files)
  if (files.length <= keepLayersOf) {
    const hash = createHash('sha256')
    let size = 0
    for await (const chunk of tar(entries)) {
      hash.update(chunk)
      size += chunk.length
    }
    return { digest: hash.digest('hex'), size, bytes: () => tar(entries) }
  }
  const path = join(cacheDir(), 'layers', `${contentKey(...files.map(identity))}.tar`)
  const about = `${path}.json`
  if (!existsSync(about)) {
    await mkdir(dirname(path), { recursive: true })
    await replaceText(about, JSON.stringify(await writeTar(path, entries)))
  }
  const { digest, size } = JSON.parse(await readFile(about, 'utf8')) as { digest: string; size: number }
  return { digest, size, bytes: () => createReadStream(path, { highWaterMark: 1 << 20 }) }
}

const replaceText = async (path: string, text: string): Promise<void> => {
  const partial = partialPath(path)
  await writeFile(partial, text)
  await rename(partial, path)
}

const jsonBlob = (value: unknown): Blob => {
  const bytes = Buffer.from(JSON.stringify(value))
  return {
    digest: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    async *bytes() {
      yield bytes
    },
  }
}

const descriptor = (mediaType: string, { digest, size }: Blob): { mediaType: string; digest: string; size: number } => ({
  mediaType,
  digest: `sha256:${digest}`,
  size,
})

/** As layers are written plain, the digest of a layer is also the one of its content ("diff ID"). */
const layout = async (spec: ImageSpec): Promise<{ entries: TarEntry[]; digest: string }> => {
  const architecture = arch() === 'x64' ? 'amd64' : arch()
  const layers: Blob[] = []
  for (const files of spec.layers) layers.push(await layerBlob(files))
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...spec.env }
  const config = jsonBlob({
    architecture,
    os: 'linux',
    config: {
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(spec.entrypoint && { Entrypoint: spec.entrypoint }),
      ...(spec.cmd && { Cmd: spec.cmd }),
      ...(spec.user && { User: spec.user }),
      WorkingDir: spec.workdir ?? '/',
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
  })
  const manifest = jsonBlob({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar', layer)),
  })
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: spec.names.map((name) => ({
      ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest),
      platform: { architecture, os: 'linux' },
      annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
    })),
  }
  const blobs = new Map([manifest, config, ...layers].map((blob) => [blob.digest, blob]))
  return {
    digest: `sha256:${manifest.digest}`,
    entries: [
      textEntry('oci-layout', 0o644, JSON.stringify({ imageLayoutVersion: '1.0.0' })),
      textEntry('index.json', 0o644, JSON.stringify(index)),
      ...[...blobs.values()].map(
        ({ digest, size, bytes }): TarEntry => ({
          kind: 'file',
          path: `blobs/sha256/${digest}`,
          mode: 0o644,
          size,
          content: bytes,
        }),
      ),
    ],
  }
}

/** Writes the image's archive into the cache, or gives the one that is there for the same content. Who asks for it meanwhile waits. */
export const buildImage = async (spec: ImageSpec): Promise<ImageArchive> => {
  const key = contentKey(
    JSON.stringify({ ...spec, layers: undefined }),
    ...spec.layers.map((files) => files.map(identity).join('\n')),
  )
  const dir = join(cacheDir(), 'images')
  const short = spec.names[0].replace(/^.*\//, '').replaceAll(/[^a-zA-Z0-9.-]/g, '-')
  const path = join(dir, `${short}-${key}.tar`)
  const about = `${path}.json`
  if (existsSync(path) && existsSync(about)) return JSON.parse(await readFile(about, 'utf8')) as ImageArchive
  return withLock(
    join(cacheDir(), 'locks', `image-${short}`),
    async () => {
      if (existsSync(path) && existsSync(about)) return JSON.parse(await readFile(about, 'utf8')) as ImageArchive
      await mkdir(dir, { recursive: true })
      const { entries, digest } = await layout(spec)
      await writeTar(path, entries)
      const archive = { names: spec.names, tar: path, digest }
      await replaceText(about, JSON.stringify(archive))
      await removeOlder(dir, short)
      return archive
    },
    { deadlineMs: buildDeadlineMs },
  )
}

/** Keeps the newest archives of an image: each is large, and the one of Berth is made anew with every change. */
const removeOlder = async (dir: string, short: string): Promise<void> => {
  const paths = (await readdir(dir))
    .filter((file) => file.startsWith(`${short}-`) && file.endsWith('.tar'))
    .map((file) => join(dir, file))
  const times = new Map(paths.map((path) => [path, statSync(path).mtimeMs]))
  const older = paths.sort((one, other) => (times.get(other) ?? 0) - (times.get(one) ?? 0)).slice(keptArchives)
  for (const path of older) await Promise.all([rm(path, { force: true }), rm(`${path}.json`, { force: true })])
}
