import { createHash } from 'node:crypto'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { buildImage, type ImageArchive } from './oci-image.ts'
import { imageRegistry, wantedOf } from './registry.ts'

let dir: string
let server: Server
let base: string
let image: ImageArchive

const build = (content: string): Promise<ImageArchive> =>
  buildImage({
    names: ['example.com/team/a:1', 'docker.io/library/b:2'],
    layers: [[{ path: '/f', content }], [{ path: '/g', content: 'x'.repeat(2_000_000) }]],
  })
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'berth-registry-'))
  vi.stubEnv('BERTH_CACHE_DIR', dir)
  image = await build('one')
  server = imageRegistry(join(dir, 'images')).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`
})
afterAll(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  await rm(dir, { recursive: true, force: true })
})

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const bytesOf = async (path: string): Promise<Uint8Array> => {
  const answer = await fetch(`${base}${path}`)
  expect(answer.status, path).toBe(200)
  const bytes = new Uint8Array(await answer.arrayBuffer())
  expect(answer.headers.get('docker-content-digest')).toBe(sha256(bytes))
  return bytes
}

test('an image is pulled by its tag and then by digests, as the registry that its name says', async () => {
  for (const [name, ns] of [
    ['team/a/manifests/1', 'example.com'],
    ['library/b/manifests/2', 'docker.io'],
    [`team/a/manifests/${image.digest}`, 'example.com'],
  ] as const) {
    const bytes = await bytesOf(`/${name}?ns=${ns}`)
    expect(sha256(bytes)).toBe(image.digest)
    const { config, layers } = JSON.parse(Buffer.from(bytes).toString()) as {
      config: { digest: string }
      layers: { digest: string; size: number }[]
    }
    const [repository = ''] = name.split('/manifests/')
    for (const { digest } of [config, ...layers])
      expect(sha256(await bytesOf(`/${repository}/blobs/${digest}?ns=${ns}`))).toBe(digest)
  }
})

test('HEAD says the digest of a tag, and nothing else', async () => {
  const answer = await fetch(`${base}/team/a/manifests/1?ns=example.com`, { method: 'HEAD' })
  expect([answer.status, answer.headers.get('docker-content-digest'), await answer.text()]).toEqual([200, image.digest, ''])
  expect(answer.headers.get('content-type')).toBe('application/vnd.oci.image.manifest.v1+json')
})

test('of a tag that was made anew the newest is given, and the one before by its digest', async () => {
  const newer = await build('two')
  await utimes(`${newer.tar}.json`, new Date(), new Date(Date.now() + 60_000))
  expect(sha256(await bytesOf('/team/a/manifests/1?ns=example.com'))).toBe(newer.digest)
  expect(sha256(await bytesOf(`/team/a/manifests/${image.digest}?ns=example.com`))).toBe(image.digest)
})

test.for<[path: string, method: string, status: number, code: string]>([
  ['/team/a/manifests/9?ns=example.com', 'GET', 404, 'MANIFEST_UNKNOWN'],
  ['/team/a/manifests/1?ns=other.example', 'GET', 404, 'MANIFEST_UNKNOWN'],
  ['/team/a/blobs/sha256:00?ns=example.com', 'GET', 404, 'BLOB_UNKNOWN'],
  ['/team/a/blobs/..%2f..%2fetc?ns=example.com', 'GET', 404, 'BLOB_UNKNOWN'],
  ['/_catalog', 'GET', 404, 'MANIFEST_UNKNOWN'],
  ['/team/a/manifests/1?ns=example.com', 'PUT', 405, 'UNSUPPORTED'],
])('%s by %s is answered with %i', async ([path, method, status, code]) => {
  const answer = await fetch(`${base}${path}`, { method })
  expect([answer.status, await answer.json()]).toEqual([status, { errors: [{ code, message: expect.any(String) }] }])
})

test('who asks directly asks for the registry that names without a host mean', () => {
  expect(wantedOf('/v2/library/b/manifests/2')).toEqual({ repository: 'docker.io/library/b', kind: 'manifests', reference: '2' })
})
