import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { run } from '../run.ts'
import { buildImage, type ImageFile, type ImageSpec } from './oci-image.ts'

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'berth-image-'))
  vi.stubEnv('BERTH_CACHE_DIR', join(dir, 'cache'))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(dir, { recursive: true, force: true })
})

const long = `${'folder-of-thirty-odd-characters/'.repeat(6)}file`
const files = async (): Promise<ImageFile[]> => {
  const source = join(dir, 'program')
  await writeFile(source, 'x'.repeat(3_000_000))
  return [
    { path: '/usr/local/bin/program', source },
    { path: '/etc/config', content: 'a: 1\n', mode: 0o644 },
    { path: '/bin/alias', linkTo: '../usr/local/bin/program' },
    { path: '/tmp', directory: true, mode: 0o1777 },
    { path: `/${long}`, content: 'deep', mode: 0o644 },
  ]
}
const anImage = async (more: Partial<ImageSpec> = {}): Promise<ImageSpec> => ({
  names: ['example.com/a:1', 'example.com/b:2'],
  layers: [await files()],
  user: '65532:65532',
  ...more,
})

const unpacked = async (archive: string): Promise<string> => {
  const target = await mkdtemp(join(dir, 'out-'))
  await run('tar', ['-xf', archive, '-C', target])
  return target
}
const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T

describe('buildImage', () => {
  test('writes an OCI layout in which each blob has the digest it is named by', async () => {
    const { tar, digest } = await buildImage(await anImage())
    const layout = await unpacked(tar)
    for (const name of await readdir(join(layout, 'blobs/sha256'))) {
      expect(
        createHash('sha256')
          .update(await readFile(join(layout, 'blobs/sha256', name)))
          .digest('hex'),
      ).toBe(name)
    }
    const index = await json<{ manifests: { digest: string; annotations: Record<string, string> }[] }>(join(layout, 'index.json'))
    expect(index.manifests.map((manifest) => manifest.annotations['io.containerd.image.name'])).toEqual([
      'example.com/a:1',
      'example.com/b:2',
    ])
    expect(new Set(index.manifests.map((manifest) => manifest.digest))).toEqual(new Set([digest]))
  })

  test('holds the files, links and modes that were asked for, and folders all may enter', async () => {
    const { tar, digest } = await buildImage(await anImage())
    const layout = await unpacked(tar)
    const manifest = await json<{ layers: { digest: string }[] }>(join(layout, 'blobs', digest.replace(':', '/')))
    const listing = await run('tar', ['-tvf', join(layout, 'blobs', manifest.layers[0]?.digest.replace(':', '/') ?? '')])
    expect(listing).toMatch(/^drwxr-xr-x 0\/0 .* usr\/local\/bin\/$/m)
    expect(listing).toMatch(/^-rwxr-xr-x 0\/0 +3000000 .* usr\/local\/bin\/program$/m)
    expect(listing).toMatch(/^-rw-r--r-- 0\/0 .* etc\/config$/m)
    expect(listing).toMatch(/^lrwxrwxrwx 0\/0 .* bin\/alias -> \.\.\/usr\/local\/bin\/program$/m)
    expect(listing).toMatch(/^drwxrwxrwt 0\/0 .* tmp\/$/m)
    expect(listing.endsWith(` ${long}`)).toBe(true)
  })

  test('gives those who ask for it at once the same archive', async () => {
    const many: ImageFile[] = Array.from({ length: 200 }, (_, index) => ({ path: `/at-once/${index}`, content: `${index}` }))
    const spec = await anImage({ names: ['example.com/at-once:1'], layers: [many, await files()] })
    const [first, ...others] = await Promise.all([buildImage(spec), buildImage(spec), buildImage(spec)])
    expect(others).toEqual([first, first])
    expect((await readdir(join(dir, 'cache', 'images'))).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  test('gives the same digest for the same content, with a cache or without', async () => {
    const first = await buildImage(await anImage())
    const again = await buildImage(await anImage())
    await rm(join(dir, 'cache'), { recursive: true })
    const anew = await buildImage(await anImage())
    expect([again.digest, anew.digest]).toEqual([first.digest, first.digest])
    expect((await buildImage(await anImage({ user: '0:0' }))).digest).not.toBe(first.digest)
  })
})
