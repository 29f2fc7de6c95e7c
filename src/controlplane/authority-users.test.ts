import { describe, expect, test } from 'vitest'
import { type AuthorityUsers, afterLook, isNews, lookAtLog, usersData, usersOf, usersText } from './authority-users.ts'

const at = (minute: number): Date => new Date(Date.UTC(2026, 5, 1, 10, minute))
const print = (digit: string): string => digit.repeat(64)
const line = (username: unknown, { fingerprint = print('a'), minute = 1, stage = 'ResponseComplete' } = {}): string => {
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] }
  const event = { kind: 'Event', stage, user: { username, extra }, stageTimestamp: at(minute).toISOString() }
  return `${at(minute).toISOString()} ${JSON.stringify(event)}\n`
}
const none: AuthorityUsers = { generation: 2, readUntil: at(0), known: [], old: [] }
const look = (log: string, known: readonly string[] = [], before = none) =>
  afterLook(before, { sightings: lookAtLog(log).sightings, known, readUntil: at(9), since: at(0) })

describe('the log of an API server', () => {
  test.for<[name: string, log: string, users: string[]]>([
    ['a request of somebody', line('alice'), ['alice']],
    ['its own lines', `${at(1).toISOString()} I0601 10:00:00.000000 1 a.go:1] "x"\n`, []],
    ['a line that is cut off', line('alice').slice(0, -20), []],
    ['a line that is not JSON', `${at(1).toISOString()} {"kind":"Event",\n`, []],
    ['a line that is longer than any that counts', line('x'.repeat(20_000)), []],
    ['another stage', line('alice', { stage: 'RequestReceived' }), []],
    ['a fingerprint that is none', line('alice', { fingerprint: 'nope' }), []],
    ['a name that is none', line({ a: 1 }), ['']],
    ['a name that would colour a terminal', line('\u001b[31mred\u202e'), ['\\u{1b}[31mred\\u{202e}']],
    ['a name of many characters', line('n'.repeat(300)), [`${'n'.repeat(100)}...`]],
  ])('%s', ([, log, users]) => {
    expect(lookAtLog(log).sightings.map(({ user }) => user)).toEqual(users)
  })

  test('says how far it goes', () => {
    expect(
      lookAtLog(line('a', { minute: 1 }) + line('b', { minute: 4 }) + line('c', { minute: 5 }).slice(0, 40)).lastLine,
    ).toEqual(at(4))
    expect(lookAtLog('').lastLine).toBeUndefined()
  })
})

describe('who is remembered', () => {
  test('each certificate with its newest time, without those of the new authority and of before', () => {
    const log =
      line('alice', { minute: 1 }) +
      line('alice', { minute: 3 }) +
      line('bob', { fingerprint: print('b') }) +
      line('new', { fingerprint: print('c') })
    const users = look(log, [print('c')])
    expect(users.old).toEqual([
      { fingerprint: print('a'), user: 'alice', at: at(3) },
      { fingerprint: print('b'), user: 'bob', at: at(1) },
    ])
    expect(afterLook(users, { sightings: [], known: [print('a')], readUntil: at(9), since: at(2) }).old).toEqual([])
  })

  test('no more than fifty, those seen last', () => {
    const log = Array.from({ length: 80 }, (_, index) =>
      line(`user-${index}`, { fingerprint: index.toString(16).padStart(64, '0'), minute: Math.floor(index / 2) }),
    ).join('')
    const { old } = look(log)
    expect([old.length, old[0]?.at]).toEqual([50, at(39)])
    expect(usersText({ old })).toMatch(/^50 or more clients still use the old authority: .* and 45 more$/)
  })

  test('is told in words', () => {
    expect(usersText(none)).toBe('nobody was seen with the old authority')
    expect(usersText(look(line('alice', { minute: 3 })))).toBe(
      '1 client still uses the old authority: alice (last seen 2026-06-01T10:03Z)',
    )
  })

  test('comes back from where it is stored, unless it is of another rotation', () => {
    const users = look(line('a name with spaces') + line('b', { fingerprint: print('b') }), [print('c')])
    expect(usersOf(usersData(users), 2, at(0))).toEqual(users)
    expect(usersOf(usersData(users), 3, at(0))).toEqual({ ...none, generation: 3 })
    expect(usersOf(undefined, 2, at(0))).toEqual(none)
    expect(usersOf({ generation: '2', 'read-until': 'x' }, 2, at(0))).toEqual(none)
  })

  test('is stored when somebody is new or it has become old, not with each look', () => {
    const users = look(line('alice', { minute: 1 }))
    const again = { ...users, readUntil: new Date(at(9).getTime() + 25_000), old: look(line('alice', { minute: 8 })).old }
    expect(isNews(none, users)).toBe(true)
    expect(isNews(users, again)).toBe(false)
    expect(isNews(users, { ...again, readUntil: at(12) })).toBe(true)
    expect(isNews(users, { ...again, old: [] })).toBe(true)
  })
})
