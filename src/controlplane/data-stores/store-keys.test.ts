import { beforeAll, describe, expect, test } from 'vitest'
import { issueAuthority, issueLeaf, type KeyPair } from '../pki/issue.ts'
import { clientKeysOf, storeKeysOf } from './store-keys.ts'

const life = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') }
let ca: KeyPair
let other: KeyPair
let root: KeyPair
beforeAll(async () => {
  ca = await issueAuthority({ subject: { commonName: 'ca' }, ...life })
  other = await issueAuthority({ subject: { commonName: 'other' }, ...life })
  root = await issueLeaf(ca, { subject: { commonName: 'root' }, usages: ['client'], ...life })
})
const good = (): Record<string, string> => ({ 'ca.crt': ca.cert, 'tls.crt': root.cert, 'tls.key': root.key, 'ca.key': ca.key })

describe('a Secret of a DataStore', () => {
  test('that is whole gives the keys and who signs', () => {
    expect(storeKeysOf('a/b', good())).toEqual({ kind: 'good', ca: ca.cert, cert: root.cert, key: root.key, signer: ca })
  })

  test('names another authority for clients', () => {
    const keys = storeKeysOf('a/b', { ...good(), 'ca-signing.crt': other.cert, 'ca.key': other.key })
    expect(keys).toMatchObject({ ca: ca.cert, signer: other })
  })

  test.for<[name: string, change: () => Record<string, string | undefined>, said: string]>([
    ['lacks its certificate', () => ({ 'tls.crt': undefined }), 'Secret a/b lacks tls.crt'],
    ['has an empty one', () => ({ 'tls.crt': '\n', 'tls.key': undefined }), 'Secret a/b lacks tls.crt and tls.key'],
    ['lacks the key of the authority', () => ({ 'ca.key': undefined }), 'Secret a/b lacks ca.key'],
    ['mixes up its keys', () => ({ 'tls.key': ca.key }), 'Secret a/b has a tls.key that does not belong to its tls.crt'],
    ['has a key of another authority', () => ({ 'ca.key': other.key }), 'has a ca.key that does not belong to its ca.crt'],
    [
      'has an authority without its key',
      () => ({ 'ca-signing.crt': other.cert }),
      'has a ca.key that does not belong to its ca-signing.crt',
    ],
    ['has no key', () => ({ 'tls.key': 'hunter2' }), 'has a tls.key that is no PEM key'],
    ['has no certificate', () => ({ 'tls.crt': 'hunter2' }), 'has a tls.crt that is no PEM certificate'],
  ])('that %s is told without what is in it', ([, change, said]) => {
    const data = Object.fromEntries(Object.entries({ ...good(), ...change() }).filter(([, value]) => value !== undefined))
    const keys = storeKeysOf('a/b', data as Record<string, string>)
    expect(keys).toEqual({ kind: 'bad', message: expect.stringContaining(said) as unknown })
    expect(JSON.stringify(keys)).not.toContain('hunter2')
  })

  test('that is not there is told', () => {
    expect(clientKeysOf('a/b', undefined)).toEqual({ kind: 'bad', message: 'Secret a/b is not there' })
  })
})
