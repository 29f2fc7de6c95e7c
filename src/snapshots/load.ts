import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { LoadOrder, SnapshotHeader } from '../apis/snapshot-task.ts'
import { AppError } from '../lib/errors.ts'
import { unpack } from './archive.ts'
import { counted } from './checked-stream.ts'
import type { ObjectStore } from './object-store.ts'

/** Where things lie on the volume of etcd, and on the way there. */
export interface LoadPlace {
  /** Folder with room for the snapshot. */
  readonly work: string
  /** The volume of etcd. */
  readonly volume: string
}

const paths = ({ work, volume }: LoadPlace) => ({
  snapshot: join(work, 'snapshot.db'),
  /** What etcdutl writes. */
  incoming: join(volume, 'incoming'),
  data: join(volume, 'data'),
  old: join(volume, 'replaced'),
  /** Says which restore the data are of. */
  mark: join(volume, 'restored-from'),
})

const markOf = async (place: LoadPlace): Promise<string> => readFile(paths(place).mark, 'utf8').catch(() => '')

/** Brings a snapshot, checks all of it, and makes room for what etcdutl makes of it. Does not touch the data that are there. */
export const fetchSnapshot = async (
  task: Pick<LoadOrder, 'key' | 'sha256' | 'identity'>,
  store: ObjectStore,
  place: LoadPlace,
): Promise<void> => {
  const { snapshot, incoming } = paths(place)
  // Of a try before this one.
  await Promise.all([rm(incoming, { recursive: true, force: true }), rm(snapshot, { force: true })])
  await mkdir(dirname(snapshot), { recursive: true })
  const stored = counted(await store.get(task.key))
  const { data } = await unpack(stored.stream, task.identity)
  await pipeline(data, createWriteStream(`${snapshot}.partial`))
  // What comes after the end of what was packed counts as well.
  for await (const _ of stored.stream);
  const { sha256 } = stored.passed()
  if (sha256 !== task.sha256) {
    const message = `what is stored as ${task.key} is not what was saved: its SHA-256 is ${sha256}, and was ${task.sha256}. Take another snapshot`
    throw new AppError('SNAPSHOT_UNREADABLE', message, {})
  }
  await rename(`${snapshot}.partial`, snapshot)
}

/** Far more than a header takes. What comes after it is not read: whoever may write into the bucket may have put anything there. */
const beginningBytes = 256 * 1024

const beginningOf = async function* (stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = beginningBytes
  for await (const chunk of stream) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}

/** What a stored snapshot says that it is. Reads its beginning only. Throws SNAPSHOT_UNREADABLE, SNAPSHOT_NOT_FOUND and what the store throws. */
export const readHeader = async (
  { key, identity }: Pick<LoadOrder, 'key' | 'identity'>,
  store: ObjectStore,
): Promise<SnapshotHeader> => {
  const stored = await store.get(key)
  try {
    return (await unpack(beginningOf(stored), identity)).header
  } finally {
    stored.destroy()
  }
}

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Puts the restored data in the place of the old ones, and deletes those. May be ended anywhere and done again, and has to be until it is through: in between
 * there may be no data in place. Done again for the same restore it changes nothing, as the data may have been written to since.
 */
export const settle = async (id: string, place: LoadPlace): Promise<void> => {
  const { incoming, data, old } = paths(place)
  if ((await markOf(place)) !== id) {
    // Without what was restored it ended after its second rename, and before it said so.
    if (existsSync(incoming)) {
      // Without data the volume is new, or it ended between its two renames.
      if (existsSync(data)) {
        await rm(old, { recursive: true, force: true })
        await rename(data, old)
      }
      await rename(incoming, data)
    }
    if (!existsSync(data)) throw new AppError('SNAPSHOT_UNREADABLE', 'there are no restored data on the volume of etcd', {})
    await writeMark(id, place)
  }
  await Promise.all([rm(old, { recursive: true, force: true }), rm(incoming, { recursive: true, force: true })])
}

const writeMark = async (id: string, place: LoadPlace): Promise<void> => {
  const { mark } = paths(place)
  const file = await open(`${mark}.partial`, 'w')
  try {
    await file.writeFile(id)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${mark}.partial`, mark)
  await syncFolder(place.volume)
}
