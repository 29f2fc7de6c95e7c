import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Child, startChild } from '../../testing/child.ts'
import { eventually } from '../../testing/eventually.ts'
import { freePorts } from '../../testing/ports.ts'
import { testBinaries } from '../../testing/test-binaries.ts'
import { createEtcdClient, type EtcdClient } from './etcd-client.ts'
import { nextUpkeep } from './upkeep.ts'

const quotaBytes = 24 * 2 ** 20
let folder: string
let etcd: Child
let client: EtcdClient
let url: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-etcd-'))
  const [{ etcd: program }, [port, peerPort]] = await Promise.all([testBinaries(), freePorts(2)])
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  url = `http://127.0.0.1:${port}`
  const flags = [
    '--name=etcd-0',
    `--data-dir=${join(folder, 'data')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
    '--initial-advertise-peer-urls=https://etcd-0.etcd-peers:2380',
    '--initial-cluster=etcd-0=https://etcd-0.etcd-peers:2380',
    `--quota-backend-bytes=${quotaBytes}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
  etcd = startChild(program, flags, join(folder, 'log'))
  client = createEtcdClient({ server: url }, new AbortController().signal)
  await eventually(() => client.members().catch(() => undefined), { describe: 'etcd' })
})
afterAll(async () => {
  await client?.close()
  await etcd?.end('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

const put = async (key: string, bytes: number): Promise<number> => {
  const body = JSON.stringify({ key: btoa(key), value: btoa('x'.repeat(bytes)) })
  return (await fetch(`${url}/v3/kv/put`, { method: 'POST', body, signal: AbortSignal.timeout(10_000) })).status
}

test('a member says who leads, how new and how large it is', async () => {
  await put('a', 10)
  const status = await client.status()
  expect(status.leader).toBe(status.memberId)
  expect(Number(status.revision)).toBeGreaterThan(1)
  expect(status.sizeBytes).toBeGreaterThanOrEqual(status.inUseBytes)
  expect(status.quotaBytes).toBe(quotaBytes)
  expect(await client.members()).toEqual([{ id: status.memberId, ordinal: 0, isStarted: true, isLearner: false }])
})

test('a learner is listed before it has come, gets no vote until then, and can be taken out twice', async () => {
  const listed = await client.addLearner(1)
  const learner = listed.find(({ ordinal }) => ordinal === 1)
  expect(learner).toMatchObject({ isStarted: false, isLearner: true })
  if (!learner) return
  expect(await client.promote(learner)).toBe(false)
  await client.remove(learner)
  await client.remove(learner)
  expect(await client.members()).toHaveLength(1)
})

test('a full store: told, room is made where there is some, and writes are taken again', { timeout: 60_000 }, async () => {
  let refused = 0
  // The same key again and again: all but the last is history.
  for (let written = 0; refused === 0 && written < 100; written += 1) if ((await put('big', 2 ** 20)) !== 200) refused = written
  expect(refused).toBeGreaterThan(10)
  expect(await client.alarms()).toMatchObject([{ kind: 'NOSPACE' }])
  const taken: string[] = []
  for (let action = ''; action !== 'none' && taken.length < 6; taken.push(action)) {
    const alarms = await client.alarms()
    if (alarms.length > 0) await client.compact((await client.status()).revision)
    const { sizeBytes, inUseBytes } = await client.status()
    const next = nextUpkeep({
      alarms,
      quotaBytes,
      storageBytes: 3 * quotaBytes,
      canSpareOne: true,
      isWhole: true,
      usages: [{ ordinal: 0, isLeader: true, sizeBytes, inUseBytes }],
    })
    action = next.kind
    if (next.kind === 'defragment') await client.defragment()
    if (next.kind === 'disarm') for (const alarm of alarms) await client.disarm(alarm)
  }
  expect(taken).toEqual(['defragment', 'disarm', 'none'])
  expect(await put('big', 2 ** 20)).toBe(200)
  // What is compacted already is no failure.
  await client.compact('1')
})

test('what etcd refuses is told in its words', async () => {
  const [self] = await client.members()
  if (!self) throw new Error('no member')
  await expect(client.remove(self)).rejects.toMatchObject({
    code: 'DATA_STORE_REFUSED',
    message: expect.stringMatching(/refuses cluster\/member\/remove: etcdserver/),
  })
})

test('one that is frozen does not hold anybody up, and is told as not answering', { timeout: 20_000 }, async () => {
  await etcd.freeze()
  await expect(client.status()).rejects.toMatchObject({ code: 'DATA_STORE_UNREACHABLE' })
  etcd.signal('SIGCONT')
  await eventually(() => client.status().catch(() => undefined), { describe: 'etcd that goes on' })
})
