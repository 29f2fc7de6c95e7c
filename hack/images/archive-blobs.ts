import { type FileHandle, open } from 'node:fs/promises'

/** Where the bytes of a blob are in its archive. */
export interface BlobPlace {
  readonly offset: number
  readonly size: number
}

const block = 512
const textAt = (header: Buffer, start: number, length: number): string =>
  header
    .subarray(start, start + length)
    .toString('utf8')
    .replace(/\0.*$/s, '')

const nextHeader = async (file: FileHandle, offset: number): Promise<Buffer | undefined> => {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(block), 0, block, offset)
  // Two empty blocks end an archive.
  return bytesRead === block && buffer[0] !== 0 ? buffer : undefined
}

/**
 * Blobs of an OCI image layout in a tar file, as `buildImage` writes it, by digest (`sha256:...`). Reads headers only.
 * Layout of a header: POSIX ustar, IEEE Std 1003.1.
 */
export const blobsOf = async (path: string): Promise<ReadonlyMap<string, BlobPlace>> => {
  const file = await open(path)
  try {
    const blobs = new Map<string, BlobPlace>()
    let at = 0
    for (let header = await nextHeader(file, at); header; header = await nextHeader(file, at)) {
      const size = Number.parseInt(textAt(header, 124, 12), 8)
      if (!Number.isSafeInteger(size)) throw new Error(`${path} is not an archive of ours: no size at byte ${at}`)
      const digest = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(textAt(header, 0, 100))?.[1]
      if (digest !== undefined) blobs.set(`sha256:${digest}`, { offset: at + block, size })
      at += block + Math.ceil(size / block) * block
    }
    return blobs
  } finally {
    await file.close()
  }
}
