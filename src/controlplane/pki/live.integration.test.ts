import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../../apis/resource-types.ts'
import { eventually } from '../../testing/eventually.ts'
import { openTlsPlane, type TlsPlane } from '../../testing/tls-plane.ts'
import { lookAtLog } from '../authority-users.ts'
import { secretNames } from '../names.ts'
import { askCertificate } from '../served-certificate.ts'
import { fingerprintOf, keyIdOf } from '../steps/rotation-facts.ts'
import {
  authorityNames,
  type SecretData,
  tokenKeyNames,
  withNext,
  withNextIssuing,
  withoutOld,
  withServingSince,
} from './generations.ts'
import { issueLeaf, type KeyPair } from './issue.ts'
import { consumerSecrets, missingRoots, newAuthority, newTokenKeys, type Roots, readRoots, type Secrets } from './keys.ts'
import { authoritySecrets, type PkiInputs, tenantAuthorities } from './plan.ts'

const day = 86_400_000
const inputs: PkiInputs = {
  tenant: { uid: '6d3f0c1e-1111-4222-8333-944455556666', name: 'acme', namespace: 'home' },
  namespace: 'berth-acme-x',
  slice: '10.96.4.0/24',
  clusterDomain: 'cluster.local',
  extraSANs: [],
  storeSigner: { kind: 'own' } as const,
}
const signal = new AbortController().signal

let plane: TlsPlane
let agent: { client: KeyPair; servingCert: string }
beforeAll(async () => {
  plane = await openTlsPlane()
  agent = { client: await newAuthority('agent', new Date()), servingCert: (await newAuthority('serving', new Date())).cert }
})
afterAll(() => plane?.stop())

/** The roots of one tenant, and what is made of them at a time. */
const aTenant = async (made: Date) => {
  const wanted = { authorities: 1, serviceAccountKeys: 1 }
  const secrets = new Map<string, SecretData>(await missingRoots(new Map(), { tenant: inputs.tenant, wanted, now: made }))
  let consumers: Secrets = new Map()
  const roots = (): Roots => readRoots(secrets)
  return {
    roots,
    change: (name: string, next: (data: SecretData) => SecretData): void => void secrets.set(name, next(secrets.get(name) ?? {})),
    deliver: async (now: Date): Promise<void> => {
      consumers = await consumerSecrets({ inputs, roots: roots(), agent, existing: consumers, now })
      await plane.deliver(consumers)
    },
    fileOf: (secret: string, file: string): string => consumers.get(secret)?.[file] ?? '',
  }
}
type Tenant = Awaited<ReturnType<typeof aTenant>>

const shownBy = async (tenant: Tenant, port: number): Promise<Buffer | undefined> => {
  const at = (file: string): string => tenant.fileOf(secretNames.kubeApiServer, file)
  return askCertificate({ host: '127.0.0.1', port }, { cert: at('etcd-client.crt'), key: at('etcd-client.key') }, signal)
}
const servesWhatItHas = async (tenant: Tenant): Promise<void> => {
  for (const [secret, file, port] of [
    [secretNames.etcd, 'server.crt', plane.ports.etcd],
    [secretNames.kubeApiServer, 'serving.crt', plane.ports.apiServer],
  ] as const) {
    const wanted = new X509Certificate(tenant.fileOf(secret, file)).raw
    await eventually(async () => (await shownBy(tenant, port))?.equals(wanted), {
      describe: `${secret} to be served`,
      deadlineMs: 90_000,
      everyMs: 200,
    })
  }
}

const leafOf = (authority: KeyPair): Promise<KeyPair> =>
  issueLeaf(authority, {
    subject: { commonName: 'alice', organization: 'system:masters' },
    usages: ['client'],
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + day),
  })

/** Whether a client comes in: the status of its answer, or why there was none. */
const entryOf = async (credentials: Parameters<TlsPlane['clientOf']>[0]): Promise<string> => {
  try {
    const { status } = await plane.clientOf(credentials).raw('/api/v1/namespaces/default', { timeoutMs: 5000 })
    return String(status)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const newToken = async (ca: string, { cert, key }: KeyPair): Promise<string> => {
  const client = plane.clientOf({ ca, cert, key })
  const account = { name: 'worker', namespace: 'default' }
  if (!(await client.get(resourceTypes.serviceAccounts, account)))
    await client.create(resourceTypes.serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account })
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: account,
    spec: { expirationSeconds: 3600 },
  }
  const made = await client.create(resourceTypes.serviceAccounts, request, { subresource: 'token' })
  return (made as { status?: { token?: string } }).status?.token ?? ''
}
/** 403: believed, and without a right. 401: not believed. */
const beliefIn = (ca: string, token: string): Promise<string> => entryOf({ ca, token })

describe('with real processes', { timeout: 240_000 }, () => {
  test('leaves in the last third of their life are renewed, and served, without a restart', async () => {
    const tenant = await aTenant(new Date(Date.now() - 300 * day))
    await tenant.deliver(new Date(Date.now() - 300 * day))
    await plane.roll(tenant.roots())
    await servesWhatItHas(tenant)
    const before = tenant.fileOf(secretNames.kubeApiServer, 'serving.crt')
    const pids = plane.pids()

    await tenant.deliver(new Date())
    expect(tenant.fileOf(secretNames.kubeApiServer, 'serving.crt')).not.toBe(before)
    await servesWhatItHas(tenant)
    expect(plane.pids()).toEqual(pids)
    expect(pids).toHaveLength(2)
  })

  test('both generations are believed until the cut, and the one before not after', async () => {
    const tenant = await aTenant(new Date())
    await tenant.deliver(new Date())
    await plane.stop()
    plane = await openTlsPlane()
    await tenant.deliver(new Date())
    await plane.roll(tenant.roots())
    const oldRoots = tenant.roots()
    const oldCa = oldRoots.trust.authorities.cluster
    const alice = await leafOf(oldRoots.authorities.cluster)
    const oldToken = await newToken(oldCa, alice)
    expect(await beliefIn(oldCa, oldToken)).toBe('403')

    // Both are trusted.
    for (const authority of tenantAuthorities) {
      const next = await newAuthority(`${authority}-2`, new Date())
      tenant.change(authoritySecrets[authority], (data) => withNext(data, next, authorityNames, 'base'))
    }
    const nextKeys = await newTokenKeys()
    tenant.change(secretNames.serviceAccountKeys, (data) => withNext(data, nextKeys, tokenKeyNames, 'base'))
    await tenant.deliver(new Date())
    await plane.roll(tenant.roots())
    const { next } = tenant.roots().generations.authorities.cluster
    if (!next) throw new Error('there is no next authority')
    const bob = await leafOf(next)
    const both = tenant.roots().trust.authorities.cluster
    expect(await Promise.all([alice, bob].map((leaf) => entryOf({ ca: both, ...leaf })))).toEqual(['200', '200'])
    expect(await entryOf({ ca: oldCa, ...alice })).toBe('200')
    expect(await beliefIn(both, oldToken)).toBe('403')

    // The new authorities issue: nothing starts anew, and who trusts only the old one is served as before.
    const pids = plane.pids()
    for (const authority of tenantAuthorities)
      tenant.change(authoritySecrets[authority], (data) => withNextIssuing(data, authorityNames))
    await tenant.deliver(new Date())
    await servesWhatItHas(tenant)
    expect(await entryOf({ ca: oldCa, ...alice })).toBe('200')
    // Nobody is left who knows only the old one: the API server shows its new certificate.
    tenant.change(secretNames.clusterAuthority, (data) => withServingSince(data, new Date()))
    await tenant.deliver(new Date())
    await servesWhatItHas(tenant)
    expect(plane.pids()).toEqual(pids)
    expect(await Promise.all([alice, bob].map((leaf) => entryOf({ ca: both, ...leaf })))).toEqual(['200', '200'])
    expect(await entryOf({ ca: oldCa, ...alice })).not.toBe('200')

    // Who came is in the log, by the fingerprint of the certificate.
    const log = (await plane.apiServerLog())
      .split('\n')
      .map((line) => `2026-06-01T00:00:00Z ${line}`)
      .join('\n')
    const seen = new Set(lookAtLog(log).sightings.map(({ user, fingerprint }) => `${user} ${fingerprint}`))
    const printOf = ({ cert }: KeyPair) => `alice ${fingerprintOf(new X509Certificate(cert))}`
    expect([...seen].sort()).toEqual([printOf(alice), printOf(bob)].sort())

    // The new key signs: one roll, and both are published.
    tenant.change(secretNames.serviceAccountKeys, (data) => withNextIssuing(data, tokenKeyNames))
    await tenant.deliver(new Date())
    await plane.roll(tenant.roots())
    const token = await newToken(both, bob)
    expect(await Promise.all([oldToken, token].map((each) => beliefIn(both, each)))).toEqual(['403', '403'])
    const { body } = await plane.clientOf({ ca: both, ...bob }).raw('/openid/v1/jwks')
    const ids = (JSON.parse(body) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
    expect(ids.sort()).toEqual([oldRoots.serviceAccount.publicKey, nextKeys.cert].map(keyIdOf).sort())
    expect(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({
      kid: keyIdOf(nextKeys.cert),
    })

    // The cut.
    for (const authority of tenantAuthorities)
      tenant.change(authoritySecrets[authority], (data) => withoutOld(data, authorityNames))
    tenant.change(secretNames.serviceAccountKeys, (data) => withoutOld(data, tokenKeyNames))
    await tenant.deliver(new Date())
    await plane.roll(tenant.roots())
    const newCa = tenant.roots().trust.authorities.cluster
    expect(await entryOf({ ca: newCa, ...bob })).toBe('200')
    expect(await entryOf({ ca: newCa, ...alice })).toBe('401')
    expect(await beliefIn(newCa, token)).toBe('403')
    expect(await beliefIn(newCa, oldToken)).toBe('401')
  })
})
