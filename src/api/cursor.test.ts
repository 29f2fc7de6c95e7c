import { describe, expect, test } from 'vitest'
import { hasCode } from '../lib/errors.ts'
import { cursorOf, pageOf, readCursor } from './cursor.ts'

describe('readCursor', () => {
  test('gives back what a list gave out', () => {
    for (const key of ['', 'acme', 'a.b-c', '0000123 x']) expect(readCursor(cursorOf(key))).toBe(key)
  })

  test.for<[name: string, cursor: string]>([
    ['nothing', ''],
    ['no base64', 'a b'],
    ['another kind', cursorOf('acme').replace('1', '2')],
    ['too long', cursorOf('a'.repeat(1000))],
  ])('refuses %s', ([, cursor]) => {
    expect(() => readCursor(cursor)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  })

  test('says which field it was', () => {
    let thrown: unknown
    try {
      readCursor('!')
    } catch (error) {
      thrown = error
    }
    expect(hasCode(thrown, 'REQUEST_INVALID') && thrown.details['errors']).toMatchObject([{ pointer: '?cursor' }])
  })
})

describe('pageOf', () => {
  const walk = (names: readonly string[], limit: number): string[][] => {
    const pages: string[][] = []
    for (let cursor: string | undefined; ; ) {
      const { items, nextCursor } = pageOf(names, (name) => name, { cursor, limit })
      pages.push([...items])
      if (nextCursor === undefined) return pages
      cursor = nextCursor
    }
  }

  test.for<[name: string, names: readonly string[], limit: number, pages: string[][]]>([
    ['nothing', [], 2, [[]]],
    ['one page, exactly full, has no next', ['b', 'a'], 2, [['a', 'b']]],
    ['more than one', ['c', 'a', 'b'], 2, [['a', 'b'], ['c']]],
    ['dashes and dots keep their order', ['a-b', 'a', 'a.b', 'ab'], 1, [['a'], ['a-b'], ['a.b'], ['ab']]],
  ])('%s', ([, names, limit, pages]) => {
    expect(walk(names, limit)).toEqual(pages)
  })

  test('goes on after a name that is gone meanwhile', () => {
    const { nextCursor: cursor } = pageOf(['a', 'b', 'c'], (name) => name, { limit: 2 })
    expect(pageOf(['a', 'c', 'd'], (name) => name, { cursor, limit: 2 }).items).toEqual(['c', 'd'])
  })
})
