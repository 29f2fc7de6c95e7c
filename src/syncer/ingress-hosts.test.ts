import { describe, expect, test } from 'vitest'
import { createIngressHosts, hostsOf, overlaps } from './ingress-hosts.ts'

describe('overlaps', () => {
  test.for<[a: string, b: string, both: boolean]>([
    ['a.example', 'a.example', true],
    ['a.example', 'b.example', false],
    ['*.example', 'a.example', true],
    ['*.example', 'a.b.example', true],
    ['*.example', 'example', false],
    ['*.a.example', '*.example', true],
    ['*.a.example', '*.b.example', false],
    ['*.ample', 'ex.example', false],
    ['', '', true],
    ['', 'a.example', false],
    ['', '*.example', false],
  ])('%s and %s: %s', ([a, b, both]) => {
    expect(overlaps(a, b)).toBe(both)
    expect(overlaps(b, a)).toBe(both)
  })
})

test('hosts of an Ingress are those of rules and certificates, and nothing where a rule names none', () => {
  const rules = [{ host: 'a.example' }, {}, { host: 'a.example' }]
  expect(hostsOf({ rules, tls: [{ hosts: ['b.example'] }, {}] })).toEqual(['a.example', '', 'b.example'])
  expect(hostsOf({ defaultBackend: {} })).toEqual([''])
  expect(hostsOf({})).toEqual([])
})

describe('the first one has it', () => {
  const early = '2026-11-21T08:00:00Z'
  const late = '2026-11-21T08:00:01Z'

  test.for<[name: string, claimed: string, asked: string, taken: boolean]>([
    ['the same', 'a.example', 'a.example', true],
    ['another', 'a.example', 'b.example', false],
    ['one below a wildcard', '*.example', 'a.example', true],
    ['a wildcard above one', 'a.b.example', '*.example', true],
    ['a wildcard below a wildcard', '*.example', '*.a.example', true],
    ['a wildcard above a wildcard', '*.a.example', '*.example', true],
    ['the domain of a wildcard', '*.example', 'example', false],
    ['every host', '', '', true],
    ['one host beside every host', '', 'a.example', false],
  ])('%s', ([, claimed, asked, taken]) => {
    const hosts = createIngressHosts()
    hosts.set('acme/shop/web', { tenantUid: 'acme', since: early }, [claimed])
    expect(hosts.standingOf(asked, 'globex/shop/web', 'globex')).toBe(taken ? 'taken' : 'free')
    // Its own, under whatever name.
    expect(hosts.standingOf(asked, 'acme/shop/web', 'acme')).toBe('free')
    expect(hosts.standingOf(asked, 'acme/other/web', 'acme')).toBe('free')
  })

  test('of two that were made at once the older stays, and of two of one moment always the same', () => {
    const hosts = createIngressHosts()
    hosts.set('b', { tenantUid: 'b', since: early }, ['*.example'])
    hosts.set('a', { tenantUid: 'a', since: late }, ['a.example'])
    expect([hosts.standingOf('*.example', 'b', 'b'), hosts.standingOf('a.example', 'a', 'a')]).toEqual(['free', 'lost'])
    hosts.set('a', { tenantUid: 'a', since: early }, ['a.example'])
    hosts.set('b', { tenantUid: 'b', since: early }, ['a.example'])
    expect([hosts.standingOf('a.example', 'b', 'b'), hosts.standingOf('a.example', 'a', 'a')]).toEqual(['lost', 'free'])
  })

  test('an old Ingress has no older right to a host that it names anew', () => {
    const hosts = createIngressHosts()
    hosts.set('old', { tenantUid: 'a', since: early }, ['other.example'])
    hosts.set('new', { tenantUid: 'b', since: late }, ['a.example'])
    expect(hosts.standingOf('a.example', 'old', 'a')).toBe('taken')
  })

  test('a host that is given up is free, and what changed is told', () => {
    const hosts = createIngressHosts()
    const claim = { tenantUid: 'a', since: early }
    expect(hosts.set('a', claim, ['a.example', '*.example'])).toEqual(['a.example', '*.example'])
    expect(hosts.set('a', claim, ['a.example', 'b.example'])).toEqual(['*.example', 'b.example'])
    expect(hosts.set('a', claim, ['a.example', 'b.example'])).toEqual([])
    expect(hosts.standingOf('c.example', 'b', 'b')).toBe('free')
    expect(hosts.standingOf('*.example', 'b', 'b')).toBe('taken')
    expect(hosts.set('a', claim, [])).toEqual(['a.example', 'b.example'])
    expect(hosts.standingOf('*.example', 'b', 'b')).toBe('free')
  })
})
