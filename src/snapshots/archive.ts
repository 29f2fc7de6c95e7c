import { Readable } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'
import { Decrypter, Encrypter } from 'age-encryption'
import { type SnapshotHeader, snapshotHeader } from '../apis/snapshot-task.ts'
import { AppError } from '../lib/errors.ts'

/** The first line may not be longer: what has none in this much is no snapshot. */
const mostHeaderBytes = 64 * 1024
/** Fast: what is left over is mostly compressed by the pages that a data store leaves empty. */
const compression = { level: 3 }

const withHeader = async function* (header: SnapshotHeader, data: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.from(`${JSON.stringify(header)}\n`)
  yield* data
}

/** Errors of a source do not go on to what it is piped into. */
const through = <T extends NodeJS.ReadWriteStream & Readable>(source: Readable, next: T): T => {
  source.on('error', (error) => next.destroy(error))
  source.pipe(next)
  return next
}

/**
 * What is stored of a snapshot: a line of JSON that says what it is, then etcd's own snapshot, compressed by gzip and, with recipients, encrypted by age
 * (age-encryption.org/v1). People read it with `age -d -i KEY FILE | gunzip`.
 */
export const pack = async (
  header: SnapshotHeader,
  data: AsyncIterable<Buffer>,
  recipients: readonly string[],
): Promise<Readable> => {
  const plain = through(Readable.from(withHeader(header, data)), createGzip(compression))
  if (recipients.length === 0) return plain
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  return Readable.fromWeb((await encrypter.encrypt(Readable.toWeb(plain))) as never)
}

const ageMagic = Buffer.from('age-encryption.org/')

/** What a stream begins with, and the whole of it. */
const peek = async (stream: AsyncIterable<Buffer>, bytes: number): Promise<{ start: Buffer; all: AsyncGenerator<Buffer> }> => {
  const chunks = stream[Symbol.asyncIterator]()
  let start: Buffer = Buffer.alloc(0)
  while (start.length < bytes) {
    const { done, value } = await chunks.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  const all = async function* (): AsyncGenerator<Buffer> {
    yield start
    for (;;) {
      const { done, value } = await chunks.next()
      if (done) return
      yield value
    }
  }
  return { start, all: all() }
}

const decrypted = async (stream: AsyncIterable<Buffer>, identity: string | undefined): Promise<AsyncIterable<Buffer>> => {
  const { start, all } = await peek(stream, ageMagic.length)
  if (!start.subarray(0, ageMagic.length).equals(ageMagic)) return all
  if (identity === undefined)
    throw new AppError('SNAPSHOT_UNREADABLE', 'the snapshot is encrypted: name the Secret with the private key of age', {})
  const decrypter = new Decrypter()
  try {
    decrypter.addIdentity(identity.trim())
    return Readable.fromWeb((await decrypter.decrypt(Readable.toWeb(Readable.from(all)))) as never)
  } catch (cause) {
    // Its message may have the key in it.
    void cause
    throw new AppError(
      'SNAPSHOT_UNREADABLE',
      'the private key of age does not open the snapshot: name the Secret with the right one',
      {},
    )
  }
}

/** Reads what `pack` wrote. Throws SNAPSHOT_UNREADABLE for what is none, or cannot be decrypted. */
export const unpack = async (
  stream: AsyncIterable<Buffer>,
  identity: string | undefined,
): Promise<{ readonly header: SnapshotHeader; readonly data: AsyncIterable<Buffer> }> => {
  const source = Readable.from(await decrypted(stream, identity))
  const plain = through(source, createGunzip())
  const rest = plain[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let line: Buffer = Buffer.alloc(0)
  try {
    while (!line.includes(0x0a) && line.length < mostHeaderBytes) {
      const { done, value } = await rest.next()
      if (done) break
      line = Buffer.concat([line, value])
    }
  } catch (cause) {
    throw new AppError('SNAPSHOT_UNREADABLE', 'what is stored is no snapshot of Berth: it cannot be unpacked', { cause })
  }
  const end = line.indexOf(0x0a)
  const header = snapshotHeader.safeParse(end < 0 ? undefined : jsonOf(line.subarray(0, end).toString()))
  if (!header.success) throw new AppError('SNAPSHOT_UNREADABLE', 'what is stored is no snapshot of Berth: it has no header', {})
  const data = async function* (): AsyncGenerator<Buffer> {
    yield line.subarray(end + 1)
    for (;;) {
      const { done, value } = await rest.next()
      if (done) return
      yield value
    }
  }
  return { header: header.data, data: data() }
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
