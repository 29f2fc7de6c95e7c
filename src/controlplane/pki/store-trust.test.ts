import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { secretNames } from '../names.ts'
import { issueLeaf, type KeyPair } from './issue.ts'
import { consumerSecrets, missingRoots, newAuthority, type Roots, readRoots, type Secrets, type StoreTrust } from './keys.ts'

const now = new Date('2026-06-01T00:00:00Z')
const tenant = { uid: '6d3f0c1e-1111-4222-8333-944455556666', name: 'acme', namespace: 'home' }
const inputs = { tenant, namespace: 'plane', slice: '10.96.4.0/24', clusterDomain: 'cluster.local', extraSANs: [] }
let roots: Roots
let store: KeyPair

beforeAll(async () => {
  roots = readRoots(await missingRoots(new Map(), { tenant, wanted: { authorities: 1, serviceAccountKeys: 1 }, now }))
  store = await newAuthority('pool', now)
})

const lay = (storeTrust: StoreTrust | undefined, existing: Secrets = new Map()) =>
  consumerSecrets({
    inputs,
    roots,
    agent: { client: roots.authorities.cluster, servingCert: 'agent' },
    existing,
    now,
    ...(storeTrust && { storeTrust }),
  })
const keysOf = (secrets: Secrets) => secrets.get(secretNames.kubeApiServer) ?? {}
const shared = (): StoreTrust => ({ kind: 'shared', ca: 'servers', authority: store, user: 'berth-u' })

describe('the keys with which an API server comes to its store', () => {
  test('are signed by the tenant itself for an etcd of its own, which gets keys too', async () => {
    const secrets = await lay(undefined)
    expect(keysOf(secrets)['etcd-ca.crt']).toBe(roots.authorities.etcd.cert)
    expect(secrets.has(secretNames.etcd)).toBe(true)
  })

  test('name the user of a shared one, are signed by its authority, and are kept while they are good', async () => {
    const secrets = await lay(shared())
    const keys = keysOf(secrets)
    const cert = new X509Certificate(keys['etcd-client.crt'] ?? '')
    expect(cert.subject).toBe('CN=berth-u')
    expect(cert.verify(new X509Certificate(store.cert).publicKey)).toBe(true)
    expect(keys['etcd-ca.crt']).toBe('servers')
    expect(secrets.has(secretNames.etcd)).toBe(false)
    // Who signs for others is nothing for a tenant's namespace.
    expect(JSON.stringify([...secrets])).not.toContain(JSON.stringify(store.key))
    expect(keysOf(await lay(shared(), secrets))).toEqual(keys)
    const other: StoreTrust = { kind: 'shared', ca: 'servers', authority: await newAuthority('pool', now), user: 'berth-u' }
    expect(keysOf(await lay(other, secrets))['etcd-client.crt']).not.toBe(keys['etcd-client.crt'])
  })

  test('are those that are given for an external one', async () => {
    const { cert, key } = await issueLeaf(store, {
      subject: { commonName: 'me' },
      usages: ['client'],
      notBefore: now,
      notAfter: now,
    })
    const keys = keysOf(await lay({ kind: 'given', ca: 'theirs', cert, key }, await lay(shared())))
    expect(keys).toMatchObject({ 'etcd-ca.crt': 'theirs', 'etcd-client.crt': cert, 'etcd-client.key': key })
  })

  test('stay as they are while nobody knows them', async () => {
    const before = await lay(shared())
    expect(keysOf(await lay({ kind: 'kept' }, before))).toEqual(keysOf(before))
    const none = keysOf(await lay({ kind: 'kept' }))
    expect(Object.keys(none).filter((name) => name.startsWith('etcd'))).toEqual([])
    expect(none['serving.crt']).toBeDefined()
  })
})
