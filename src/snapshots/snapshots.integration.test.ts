import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureBinaries } from '../../hack/binaries.ts'
import type { SaveResult } from '../apis/snapshot-task.ts'
import { explainError } from '../lib/errors.ts'
import { type S3Server, startS3Server } from '../testing/s3-server.ts'
import { type SecureEtcd, startSecureEtcd } from '../testing/secure-etcd.ts'
import { fetchSnapshot, type LoadPlace, readHeader, settle } from './load.ts'
import type { ObjectStore } from './object-store.ts'
import { openS3 } from './s3-store.ts'
import { save } from './save.ts'

const signal = new AbortController().signal
const header = {
  format: 'berth-snapshot/1',
  tenant: { uid: 'u-1', name: 'acme', namespace: 'default' },
  version: 'v1.37.1',
  createdAt: '2026-11-01T00:00:00.000Z',
} as const

let etcd: SecureEtcd
let server: S3Server
let store: ObjectStore
let folder: string
let etcdutl: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-snapshots-'))
  const started = await Promise.all([startSecureEtcd(), startS3Server(), ensureBinaries(['etcdutl'])])
  etcd = started[0]
  server = started[1]
  etcdutl = started[2].etcdutl
  store = openS3(server.access, signal)
  // More than one message of etcd's stream.
  for (let number = 0; number < 40; number += 1) await etcd.put(`/registry/${number}`, `${number}:`.padEnd(20_000, 'x'))
})
afterAll(async () => {
  store?.close()
  await Promise.all([etcd?.stop(), server?.stop()])
  await rm(folder, { recursive: true, force: true })
})

const saved = (key: string, recipients: readonly string[] = []): Promise<SaveResult> =>
  save({ etcd: { ...etcd.access, serverName: 'localhost' }, header, recipients: [...recipients], key }, store, signal)

const aPlace = async (name: string): Promise<LoadPlace> => {
  const place = { work: join(folder, name, 'work'), volume: join(folder, name, 'volume') }
  await Promise.all([mkdir(place.work, { recursive: true }), mkdir(place.volume, { recursive: true })])
  return place
}
const restore = ({ work, volume }: LoadPlace) =>
  execa(etcdutl, [
    'snapshot',
    'restore',
    join(work, 'snapshot.db'),
    `--data-dir=${join(volume, 'incoming')}`,
    '--name=etcd-0',
    '--initial-cluster=etcd-0=https://etcd-0.etcd-peers:2380',
    '--initial-advertise-peer-urls=https://etcd-0.etcd-peers:2380',
    '--bump-revision=1000000000',
    '--mark-compacted',
  ])
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: { code?: string; message?: string }) => error.code ?? error.message ?? 'failed',
  )

const words = (promise: Promise<unknown>): Promise<string> => promise.then(JSON.stringify, explainError)

describe('a snapshot', () => {
  test('goes to a bucket and comes back, whole, as data of an etcd that gives out no revision twice', async () => {
    const identity = await generateIdentity()
    const { sha256, sizeBytes, revision } = await saved('t/whole', [await identityToRecipient(identity)])
    expect(Number(revision)).toBeGreaterThan(40)
    expect((await readFile(server.fileOf('t/whole'))).length).toBe(sizeBytes)
    expect((await readFile(server.fileOf('t/whole'))).subarray(0, 22).toString()).toBe('age-encryption.org/v1\n')
    await etcd.put('/registry/7', 'changed since')
    const place = await aPlace('whole')
    await fetchSnapshot({ key: 't/whole', sha256, identity }, store, place)
    await restore(place)
    await settle('r1', place)
    const again = await startSecureEtcd({ dataDir: join(place.volume, 'data') })
    try {
      expect(await again.get('/registry/7')).toBe('7:'.padEnd(20_000, 'x'))
      expect(await again.get('/registry/39')).toBe('39:'.padEnd(20_000, 'x'))
      expect(await again.revision()).toBeGreaterThan(1_000_000_000)
    } finally {
      await again.stop()
    }
  })

  test('says what it is at its beginning, and to nobody without the key', async () => {
    const identity = await generateIdentity()
    await saved('t/header', [await identityToRecipient(identity), await identityToRecipient(await generateIdentity())])
    expect(await readHeader({ key: 't/header', identity }, store)).toEqual(header)
    expect(await code(readHeader({ key: 't/header' }, store))).toBe('SNAPSHOT_UNREADABLE')
    const wrong = await words(readHeader({ key: 't/header', identity: await generateIdentity() }, store))
    expect(wrong).toContain('does not open the snapshot')
    const typo = await words(readHeader({ key: 't/header', identity: `${identity.slice(0, -1)}X` }, store))
    expect(typo).toContain('does not open the snapshot')
    expect(typo).not.toContain(identity.slice(20, 60))
    await saved('t/plain')
    expect(await readHeader({ key: 't/plain' }, store)).toEqual(header)
  })

  test('that was changed, cut off or replaced is refused, and the data stay as they are', async () => {
    const { sha256, sizeBytes } = await saved('t/broken')
    const file = server.fileOf('t/broken')
    const whole = await readFile(file)
    const place = await aPlace('broken')
    await mkdir(join(place.volume, 'data'))
    await writeFile(join(place.volume, 'data', 'member'), 'as it was')
    const changed = Buffer.from(whole)
    changed[Math.floor(sizeBytes / 2)] = (changed[Math.floor(sizeBytes / 2)] ?? 0) ^ 1
    for (const content of [changed, Buffer.concat([whole, Buffer.from('more')]), Buffer.from('hello'), Buffer.alloc(0)]) {
      await writeFile(file, content)
      expect(await code(fetchSnapshot({ key: 't/broken', sha256 }, store, place))).not.toBe('done')
      expect(existsSync(join(place.work, 'snapshot.db'))).toBe(false)
    }
    await writeFile(file, whole)
    await truncate(file, Math.floor(sizeBytes * 0.9))
    expect(await code(fetchSnapshot({ key: 't/broken', sha256 }, store, place))).not.toBe('done')
    expect(await code(fetchSnapshot({ key: 't/none', sha256 }, store, place))).toBe('SNAPSHOT_NOT_FOUND')
    expect(await readFile(join(place.volume, 'data', 'member'), 'utf8')).toBe('as it was')
  })

  test('of an etcd that is gone, or to a bucket that refuses, is an error in words', async () => {
    const gone = { ...etcd.access, server: 'https://127.0.0.1:1', serverName: 'localhost' }
    expect(await code(save({ etcd: gone, header, recipients: [], key: 't/gone' }, store, signal))).toBe('DATA_STORE_UNREACHABLE')
    const stranger = openS3({ ...server.access, secretAccessKey: 'wrong' }, signal)
    const nobody = openS3({ ...server.access, endpoint: 'http://127.0.0.1:1' }, signal)
    const noBucket = openS3({ ...server.access, bucket: 'no-such-bucket' }, signal)
    for (const [other, expected] of [
      [stranger, 'SNAPSHOT_STORE_REFUSED'],
      [nobody, 'SNAPSHOT_STORE_UNREACHABLE'],
      [noBucket, 'SNAPSHOT_STORE_REFUSED'],
    ] as const) {
      const task = { etcd: { ...etcd.access, serverName: 'localhost' }, header, recipients: [], key: 't/refused' }
      const error = await save(task, other, signal).catch((reason: { code?: string; message: string }) => reason)
      expect(error).toMatchObject({ code: expected })
      expect(JSON.stringify(error)).not.toContain(server.access.secretAccessKey)
      other.close()
    }
  })
})

describe('putting restored data in place', () => {
  const filled = async (name: string, folders: readonly string[]): Promise<LoadPlace> => {
    const place = await aPlace(name)
    for (const each of folders) {
      await mkdir(join(place.volume, each))
      await writeFile(join(place.volume, each, 'whose'), each)
    }
    return place
  }
  const whose = (place: LoadPlace, at: string) => readFile(join(place.volume, at, 'whose'), 'utf8')

  test.for<[name: string, folders: readonly string[], data: string]>([
    ['takes the place of the old ones', ['data', 'incoming'], 'incoming'],
    ['is all that a new volume needs', ['incoming'], 'incoming'],
    ['goes on when it ended between its two renames', ['replaced', 'incoming'], 'incoming'],
    ['forgets what an earlier restore left', ['data', 'replaced', 'incoming'], 'incoming'],
  ])('%s', async ([name, folders, data]) => {
    const place = await filled(name.replaceAll(' ', '-'), folders)
    await settle('one', place)
    expect(await whose(place, 'data')).toBe(data)
    expect(existsSync(join(place.volume, 'replaced'))).toBe(false)
    expect(existsSync(join(place.volume, 'incoming'))).toBe(false)
  })

  test('is done once for one restore, whatever was written since, and again for another', async () => {
    const place = await filled('twice', ['data', 'incoming'])
    await settle('one', place)
    await writeFile(join(place.volume, 'data', 'since'), 'written')
    await mkdir(join(place.volume, 'incoming'))
    await settle('one', place)
    expect(await readFile(join(place.volume, 'data', 'since'), 'utf8')).toBe('written')
    await mkdir(join(place.volume, 'incoming'))
    await settle('two', place)
    expect(existsSync(join(place.volume, 'data', 'since'))).toBe(false)
  })

  test('is through when it ended after its second rename, and fails when there is nothing to put in place', async () => {
    const place = await filled('after-the-second', ['data', 'replaced'])
    await settle('one', place)
    expect(await whose(place, 'data')).toBe('data')
    expect(existsSync(join(place.volume, 'replaced'))).toBe(false)
    expect(await code(settle('one', await filled('nothing', [])))).toBe('SNAPSHOT_UNREADABLE')
  })
})
