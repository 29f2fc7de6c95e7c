import { beforeAll, describe, expect, test } from 'vitest'
import { issueAuthority, issueLeaf, type KeyPair, type LeafRequest } from './issue.ts'
import { reissueReason } from './policies.ts'

const day = 86_400_000
const now = new Date('2026-06-01T00:00:00Z')
const at = (days: number): Date => new Date(now.getTime() + days * day)
const plan = { subject: { commonName: 'a', organization: 'o' }, names: ['kubernetes', '10.0.0.1', 'fd00::1'] }

let authority: KeyPair
let other: KeyPair
beforeAll(async () => {
  const subject = { commonName: 'ca' }
  authority = await issueAuthority({ subject, notBefore: at(-10), notAfter: at(3650) })
  other = await issueAuthority({ subject, notBefore: at(-10), notAfter: at(3650) })
})

const leaf = (overrides: Partial<LeafRequest> = {}, by = authority): Promise<KeyPair> =>
  issueLeaf(by, { ...plan, usages: ['client'], notBefore: at(-1), notAfter: at(365), ...overrides })

describe('reissueReason', () => {
  test.for<[name: string, issued: () => Promise<Partial<KeyPair>>, reason: string | undefined]>([
    ['keeps a good certificate', () => leaf(), undefined],
    ['keeps one whose names came in another order', () => leaf({ names: [...plan.names].reverse() }), undefined],
    ['issues a missing one', async () => ({}), 'Missing'],
    ['issues one whose key is gone', async () => ({ cert: (await leaf()).cert }), 'Missing'],
    ['replaces what is no certificate', async () => ({ ...(await leaf()), cert: 'x' }), 'Unreadable'],
    ['replaces one with another key', async () => ({ ...(await leaf()), key: (await leaf()).key }), 'KeyMismatch'],
    ['replaces one of another authority of the same name', () => leaf({}, other), 'AuthorityChanged'],
    ['replaces one that names somebody else', () => leaf({ subject: { commonName: 'a' } }), 'SubjectChanged'],
    ['replaces one that lacks a name', () => leaf({ names: ['kubernetes'] }), 'NamesChanged'],
    ['replaces one that has a name too many', () => leaf({ names: [...plan.names, 'more'] }), 'NamesChanged'],
    ['keeps one in its first two thirds', () => leaf({ notBefore: at(-60), notAfter: at(31) }), undefined],
    ['replaces one in its last third', () => leaf({ notBefore: at(-60), notAfter: at(29) }), 'TwoThirdsOfLifeOver'],
    ['replaces one that is over', () => leaf({ notBefore: at(-60), notAfter: at(-1) }), 'TwoThirdsOfLifeOver'],
  ])('%s', async ([, issued, reason]) => {
    expect(reissueReason({ plan, issued: await issued(), authorityCert: authority.cert, now })).toBe(reason)
  })
})
