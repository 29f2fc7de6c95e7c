import { createReadStream, existsSync, statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type BlobPlace, blobsOf } from './archive-blobs.ts'
import type { ImageArchive } from './oci-image.ts'

/** What a request asks for: a manifest or a blob of `repository`, which has the host in it. */
interface Wanted {
  readonly repository: string
  readonly kind: 'manifests' | 'blobs'
  /** A tag, or a digest. */
  readonly reference: string
}

/**
 * Reads the path of a pull (OCI distribution specification 1.1, "Pull"). `ns` is how containerd tells a mirror which registry is meant
 * (containerd docs/hosts.md, "Registry Host Namespace").
 */
export const wantedOf = (url: string): Wanted | undefined => {
  const { pathname, searchParams } = new URL(url, 'http://registry')
  const [, name, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? []
  if (name === undefined || reference === undefined) return undefined
  const host = searchParams.get('ns') ?? 'docker.io'
  return { repository: `${host}/${name}`, kind: kind === 'blobs' ? 'blobs' : 'manifests', reference }
}

/** The archives of a repository, the newest first. */
const archivesOf = async (dir: string, repository: string): Promise<readonly ImageArchive[]> => {
  const files = (await readdir(dir)).filter((file) => file.endsWith('.tar.json')).map((file) => join(dir, file))
  const read = await Promise.all(
    files.map(async (file) => ({
      archive: JSON.parse(await readFile(file, 'utf8')) as ImageArchive,
      madeMs: statSync(file).mtimeMs,
    })),
  )
  return read
    .filter(({ archive }) => archive.names.some((name) => name.startsWith(`${repository}:`)) && existsSync(archive.tar))
    .sort((one, other) => other.madeMs - one.madeMs)
    .map(({ archive }) => archive)
}

interface Found extends BlobPlace {
  readonly digest: string
  readonly tar: string
}

const find = async (dir: string, { repository, kind, reference }: Wanted): Promise<Found | undefined> => {
  for (const { names, tar, digest: manifest } of await archivesOf(dir, repository)) {
    const digest = kind === 'manifests' && names.includes(`${repository}:${reference}`) ? manifest : reference
    const place = (await blobsOf(tar)).get(digest)
    if (place) return { ...place, digest, tar }
  }
  return undefined
}

const refuse = (response: ServerResponse, status: number, code: string, message: string): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ errors: [{ code, message }] }))
}

const answer = async (dir: string, { method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> => {
  if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'UNSUPPORTED', 'this registry is read only')
  if (/^\/v2\/?(\?|$)/.test(url)) {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    return
  }
  const wanted = wantedOf(url)
  const found = wanted && (await find(dir, wanted))
  if (!found) {
    const [code, what] = wanted?.kind === 'blobs' ? ['BLOB_UNKNOWN', 'blob'] : ['MANIFEST_UNKNOWN', 'image']
    return refuse(response, 404, code, `no ${what} ${wanted ? `${wanted.repository} ${wanted.reference}` : url} was made here`)
  }
  const { digest, tar, offset, size } = found
  response.writeHead(200, {
    'content-type': wanted.kind === 'manifests' ? 'application/vnd.oci.image.manifest.v1+json' : 'application/octet-stream',
    'content-length': size,
    'docker-content-digest': digest,
  })
  if (method === 'HEAD') response.end()
  else await pipeline(createReadStream(tar, { start: offset, end: offset + size - 1 }), response)
}

/** A read-only image registry over the archives in `dir`, whatever registry an image's name says. Plain HTTP: for nodes of a cluster on this machine. */
export const imageRegistry = (dir: string): Server =>
  createServer((request, response) => {
    answer(dir, request, response).catch((error: unknown) => {
      // A client that went away is nothing to tell.
      if (response.headersSent) response.destroy()
      else refuse(response, 500, 'UNKNOWN', String(error))
    })
  })
