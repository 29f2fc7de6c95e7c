import { describe, expect, test } from 'vitest'
import { type AuthorityMove, followingMoves } from './authority-moves.ts'
import {
  authorityNames,
  firstKeys,
  type Generations,
  generationsOf,
  trustOf,
  withIssuingSince,
  withNext,
  withNextIssuing,
  withoutOld,
} from './generations.ts'

const one = { cert: 'CERT 1\n', key: 'KEY 1' }
const two = { cert: 'CERT 2\n', key: 'KEY 2' }
const now = new Date('2026-06-01T00:00:00Z')
const read = (data: Parameters<typeof generationsOf>[0]): Generations => {
  const found = generationsOf(data, authorityNames)
  if (!found) throw new Error('nothing to read')
  return found
}

test('a Secret of before there were rotations is of the first generation, and says nothing of it', () => {
  expect(firstKeys(one, authorityNames, 1)).toEqual({ 'tls.crt': one.cert, 'tls.key': one.key })
  expect(read(firstKeys(one, authorityNames, 1))).toEqual({ generation: 1, issuing: one })
  expect(trustOf({ generation: 1, issuing: one })).toBe(one.cert)
})

test('a rotation keeps every key until it is cut, and what is trusted is one text throughout', () => {
  const begun = withNext(firstKeys(one, authorityNames, 1), two, authorityNames, 'base')
  const issues = withIssuingSince(withNextIssuing(begun, authorityNames), now)
  const cut = withoutOld(issues, authorityNames)
  expect(read(begun)).toEqual({ generation: 1, issuing: one, next: two, baseHash: 'base' })
  expect(read(issues)).toEqual({ generation: 2, issuing: two, old: one, issuingSince: now, baseHash: 'base' })
  expect(read(cut)).toEqual({ generation: 2, issuing: two, baseHash: 'base' })
  expect([begun, issues, cut].map((data) => trustOf(read(data)))).toEqual(['CERT 1\nCERT 2\n', 'CERT 1\nCERT 2\n', 'CERT 2\n'])
  // A second time changes nothing.
  expect(withNextIssuing(issues, authorityNames)).toEqual(issues)
  expect(withoutOld(cut, authorityNames)).toEqual(cut)
})

test('the hash of before the first rotation is kept through all of them', () => {
  const first = withoutOld(
    withNextIssuing(withNext(firstKeys(one, authorityNames, 1), two, authorityNames, 'base'), authorityNames),
    authorityNames,
  )
  expect(read(withNext(first, one, authorityNames, 'other')).baseHash).toBe('base')
})

describe('a manager that died between two Secrets', () => {
  const rest: Generations = { generation: 1, issuing: one }
  const begun: Generations = { ...rest, next: two }
  const issues: Generations = { generation: 2, issuing: two, old: one }
  const done: Generations = { generation: 2, issuing: two }
  test.for<[name: string, states: [cluster: Generations, etcd: Generations, frontProxy: Generations], moves: string[]]>([
    ['at rest: nothing', [rest, rest, rest], []],
    ['in the beginning: ends it, the cluster last', [rest, begun, rest], ['frontProxy begin', 'cluster begin']],
    ['before the last of the beginning: ends it', [rest, begun, begun], ['cluster begin']],
    ['all trust both: nothing', [begun, begun, begun], []],
    ['a Secret lost in the middle begins again', [begun, rest, begun], ['etcd begin']],
    ['when the cluster issues, the others do', [issues, begun, begun], ['etcd issue', 'frontProxy issue']],
    ['the last of them', [issues, issues, begun], ['frontProxy issue']],
    ['all issue: nothing', [issues, issues, issues], []],
    ['when the cluster is cut, the others are', [done, issues, issues], ['etcd cut', 'frontProxy cut']],
    ['the last of those', [done, done, issues], ['frontProxy cut']],
    ['all done: nothing', [done, done, done], []],
  ])('%s', ([, [cluster, etcd, frontProxy], wanted]) => {
    const moves = followingMoves({ cluster, etcd, frontProxy })
    expect(moves.map(({ authority, move }: AuthorityMove) => `${authority} ${move}`)).toEqual(wanted)
  })
})
