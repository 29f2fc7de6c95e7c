import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** One entry of an archive. Owner is root and time is zero, so that the same content always gives the same bytes. */
export type TarEntry =
  | {
      readonly kind: 'file'
      readonly path: string
      readonly mode: number
      readonly size: number
      readonly content: () => AsyncIterable<Uint8Array>
    }
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }

/** Smaller files are read at once: an image has thousands of them. */
const streamFrom = 1 << 20

const whole = async function* (source: string): AsyncGenerator<Uint8Array> {
  yield await readFile(source)
}

export const fileEntry = (path: string, mode: number, source: string, size: number): TarEntry => ({
  kind: 'file',
  path,
  mode,
  size,
  content: size > streamFrom ? () => createReadStream(source, { highWaterMark: streamFrom }) : () => whole(source),
})

export const textEntry = (path: string, mode: number, text: string | Uint8Array): TarEntry => {
  const bytes = Buffer.from(text)
  return {
    kind: 'file',
    path,
    mode,
    size: bytes.length,
    async *content() {
      yield bytes
    },
  }
}

const block = 512
const padding = (size: number): Buffer => Buffer.alloc((block - (size % block)) % block)
const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`

/** POSIX ustar, IEEE Std 1003.1, "ustar Interchange Format": a name of at most 100 bytes behind a prefix of at most 155. */
const splitName = (path: string): { name: string; prefix: string } | undefined => {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' }
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const name = path.slice(slash + 1)
    const prefix = path.slice(0, slash)
    if (name && Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { name, prefix }
  }
  return undefined
}

const header = (
  path: string,
  type: string,
  { mode = 0o644, size = 0, link = '' }: { mode?: number; size?: number; link?: string },
): Buffer => {
  const split = splitName(path)
  if (!split || Buffer.byteLength(link) > 100) throw new Error(`a name too long for an archive: ${path} ${link}`)
  const bytes = Buffer.alloc(block)
  bytes.write(split.name, 0)
  bytes.write(octal(mode, 8), 100)
  bytes.write(octal(0, 8), 108)
  bytes.write(octal(0, 8), 116)
  bytes.write(octal(size, 12), 124)
  bytes.write(octal(0, 12), 136)
  bytes.write('        ', 148) // the sum is taken with blanks in its own place
  bytes.write(type, 156)
  bytes.write(link, 157)
  bytes.write('ustar\x0000', 257)
  bytes.write(split.prefix, 345)
  bytes.write(
    `${bytes
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return bytes
}

/** The bytes of an archive. */
export const tar = async function* (entries: Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    switch (entry.kind) {
      case 'directory':
        yield header(`${entry.path}/`, '5', { mode: entry.mode })
        break
      case 'symlink':
        yield header(entry.path, '2', { mode: 0o777, link: entry.target })
        break
      case 'file':
        yield header(entry.path, '0', { mode: entry.mode, size: entry.size })
        yield* entry.content()
        yield padding(entry.size)
        break
    }
  }
  yield Buffer.alloc(2 * block)
}
