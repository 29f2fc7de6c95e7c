import { describe, expect, test } from 'vitest'
import type { KeyPage } from './store-client.ts'
import { createStoreMeter, isOutdated, measure, sizeText } from './store-meter.ts'
import { rangeOfPrefix } from './store-range.ts'

const now = new Date('2026-06-01T12:00:00Z')
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000)
const range = rangeOfPrefix('/a/')

test.for<[name: string, keys: number, seconds: number, counted: number, outdated: boolean]>([
  ['as many keys', 1000, 300, 1000, false],
  ['some more', 1000, 300, 1150, false],
  ['a fifth more', 1000, 300, 1201, true],
  ['a fifth less', 1000, 300, 799, true],
  ['many more, at once', 1000, 30, 90_000, false],
  ['a few more of a few', 10, 300, 90, false],
  ['ten minutes later', 1000, 600, 1000, true],
])('a measure is outdated with %s', ([, keys, seconds, counted, outdated]) => {
  expect(isOutdated({ keys, bytes: 1, at: ago(seconds) }, counted, now)).toBe(outdated)
})

/** Pages as given, one after the other. */
const pagesOf = (pages: readonly Omit<KeyPage, 'rest'>[]) => {
  let next = 0
  return {
    asked: () => next,
    page: async (): Promise<KeyPage> => {
      const page = pages[next] ?? { keys: 0, bytes: 0 }
      next += 1
      return { ...page, rest: next < pages.length ? range : undefined }
    },
  }
}

describe('a measure', () => {
  test('adds up all pages', async () => {
    const client = pagesOf([
      { keys: 256, bytes: 1000 },
      { keys: 10, bytes: 50 },
    ])
    expect(await measure(client, range, 266, now)).toEqual({ keys: 266, bytes: 1050, at: now })
  })

  test('of very much reads a part and takes the rest to be like it', async () => {
    const client = pagesOf(Array.from({ length: 1000 }, () => ({ keys: 4, bytes: 4 * 2 ** 20 })))
    expect(await measure(client, range, 4000, now)).toEqual({ keys: 4000, bytes: 4000 * 2 ** 20, at: now })
    expect(client.asked()).toBe(16)
  })

  test('is made once, also by a process that knows it from another', async () => {
    const client = { ...pagesOf([{ keys: 5, bytes: 10 }]), count: async () => 5 }
    const meter = createStoreMeter()
    const last = { keys: 5, bytes: 77, at: ago(60) }
    meter.recall('u', last)
    expect(await meter.measured('u', range, client, now)).toBe(last)
    meter.forget('u')
    expect(await meter.measured('u', range, client, now)).toMatchObject({ keys: 5, bytes: 10 })
  })
})

test.for<[bytes: number, text: string]>([
  [0, '0 KiB'],
  [1, '1 KiB'],
  [2 ** 20 - 1, '1024 KiB'],
  [2 ** 20, '1.0 MiB'],
  [12.34 * 2 ** 20, '12.3 MiB'],
])('%i bytes are %s', ([bytes, text]) => {
  expect(sizeText(bytes)).toBe(text)
})
