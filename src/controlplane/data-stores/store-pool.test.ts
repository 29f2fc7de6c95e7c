import { beforeEach, expect, test, vi } from 'vitest'
import { AppError } from '../../lib/errors.ts'
import type { StoreClient, StoreConnection } from './store-client.ts'
import { createStorePool } from './store-pool.ts'
import { rangeOfPrefix } from './store-range.ts'

const range = rangeOfPrefix('/a/')
const connection: StoreConnection = { endpoints: ['https://a:1'], ca: 'ca', cert: 'cert', key: 'key' }
const made: { readonly connection: StoreConnection; isClosed: boolean }[] = []
let answer: () => Promise<number>

/** Connections that are only written down. */
const connect = (to: StoreConnection): StoreClient => {
  const one = { connection: to, isClosed: false }
  made.push(one)
  return { count: () => answer(), close: () => void (one.isClosed = true) } as unknown as StoreClient
}
const closed = () => made.map(({ isClosed }) => isClosed)

beforeEach(() => {
  made.length = 0
  answer = async () => 1
})

test('a connection is used again, and another one for other keys', () => {
  const pool = createStorePool(connect)
  pool.connect(connection).close()
  pool.connect({ ...connection }).close()
  pool.connect({ ...connection, cert: 'new' }).close()
  expect(made.map(({ connection: { cert } }) => cert)).toEqual(['cert', 'new'])
  pool.close()
  expect(closed()).toEqual([true, true])
})

test('one that does not answer is closed with its last user, and the next one gets a new one', async () => {
  const pool = createStorePool(connect)
  const [first, second] = [pool.connect(connection), pool.connect(connection)]
  answer = () => Promise.reject(new AppError('DATA_STORE_UNREACHABLE', 'silent'))
  await expect(first.count(range)).rejects.toThrow('silent')
  await expect(second.count(range)).rejects.toThrow('silent')
  first.close()
  first.close()
  expect(closed()).toEqual([false])
  pool.connect(connection)
  expect(made).toHaveLength(2)
  second.close()
  expect(closed()).toEqual([true, false])
})

test('one that refuses something stays', async () => {
  const pool = createStorePool(connect)
  const client = pool.connect(connection)
  answer = () => Promise.reject(new AppError('DATA_STORE_REFUSED', 'no'))
  await expect(client.count(range)).rejects.toThrow('no')
  client.close()
  pool.connect(connection)
  expect(made).toHaveLength(1)
})

test('one that nobody uses for a while is closed', () => {
  vi.useFakeTimers()
  try {
    const pool = createStorePool(connect, 1000)
    const client = pool.connect(connection)
    vi.advanceTimersByTime(5000)
    client.close()
    vi.advanceTimersByTime(900)
    pool.connect(connection).close()
    vi.advanceTimersByTime(900)
    expect(closed()).toEqual([false])
    vi.advanceTimersByTime(200)
    expect(closed()).toEqual([true])
  } finally {
    vi.useRealTimers()
  }
})
