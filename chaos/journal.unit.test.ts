import { describe, expect, test } from 'vitest'
import { acknowledged, findingsOf, isUnsure, type Known, seen, uncertain, unwritten } from './journal.ts'

const kind = 'configmaps'
const found = (known: Known, content: string | null, version?: string) =>
  findingsOf([{ kind, name: 'a', known }], new Map([[`${kind}/a`, { content, ...(version !== undefined && { version }) }]])).map(
    ({ what }) => what,
  )

describe('what was written against what is stored', () => {
  const lostAnswer = uncertain(acknowledged('one', '10'), 'two')
  test.for<[name: string, known: Known, content: string | null, version: string | undefined, wanted: string[]]>([
    ['an answered write is there', acknowledged('one', '10'), 'one', '10', []],
    ['a later version of it is no matter', acknowledged('one', '10'), 'one', '12', []],
    ['an answered write is gone', acknowledged('one', '10'), null, undefined, ['lost']],
    ['the one before is there', acknowledged('two', '11'), 'one', '10', ['other-content']],
    ['the same content at a version from before', acknowledged('one', '10'), 'one', '9', ['older']],
    ['a deletion held', acknowledged(null), null, undefined, []],
    ['what was deleted is back', acknowledged(null), 'one', '10', ['came-back']],
    ['a write without an answer was not stored', lostAnswer, 'one', '10', []],
    ['a write without an answer was stored', lostAnswer, 'two', '11', []],
    ['neither is there', lostAnswer, 'three', '12', ['other-content']],
    ['a creation without an answer', uncertain(unwritten, 'one'), 'one', '5', []],
    ['a creation without an answer, not stored', uncertain(unwritten, 'one'), null, undefined, []],
    ['a deletion without an answer', uncertain(acknowledged('one', '10'), null), null, undefined, []],
  ])('%s', ([, known, content, version, wanted]) => expect(found(known, content, version)).toEqual(wanted))

  test('what nobody wrote is found', () => {
    const stored = new Map([[`${kind}/b`, { content: 'one' }]])
    expect(findingsOf([], stored)).toEqual([expect.objectContaining({ what: 'never-written', object: `${kind}/b` })])
  })
})

describe('what a read tells', () => {
  const twice = uncertain(uncertain(acknowledged('one', '10'), 'two'), 'three')
  test.for<[content: string | null, wanted: (string | null)[]]>([
    ['one', ['one', 'two', 'three']],
    ['two', ['two', 'three']],
    ['three', ['three']],
    ['four', ['one', 'two', 'three']],
  ])('%s leaves %j', ([content, wanted]) => expect(seen(twice, content).possible).toEqual(wanted))

  test('and an answered write leaves one', () => {
    expect(isUnsure(twice)).toBe(true)
    expect(isUnsure(acknowledged('four', '11'))).toBe(false)
  })
})
