import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issueAuthority, issueLeaf, type KeyPair, type LeafRequest } from './issue.ts'
import { reissueReason } from './policies.ts'

const notBefore = new Date(Date.now() - 3_600_000)
const notAfter = new Date(Date.now() + 86_400_000)
let folder: string
let authority: KeyPair

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-pki-'))
  authority = await issueAuthority({ subject: { commonName: 'test-ca' }, notBefore, notAfter })
  await writeFile(join(folder, 'ca.crt'), authority.cert)
})
afterAll(() => rm(folder, { recursive: true }))

const aLeaf = (overrides: Partial<LeafRequest> = {}): Promise<KeyPair> =>
  issueLeaf(authority, {
    subject: { commonName: 'leaf' },
    usages: ['server'],
    names: ['kubernetes'],
    notBefore,
    notAfter,
    ...overrides,
  })

/** What the strict verifier of OpenSSL says; throws when it finds a fault. */
const verify = async (cert: string, ...args: string[]): Promise<string> => {
  const file = join(folder, 'leaf.crt')
  await writeFile(file, cert)
  const { all } = await execa('openssl', ['verify', '-x509_strict', '-CAfile', join(folder, 'ca.crt'), ...args, file], {
    all: true,
  })
  return all
}

describe('openssl verify -x509_strict', () => {
  test.for<[name: string, leaf: Partial<LeafRequest>, args: string[]]>([
    ['a server certificate by name', {}, ['-purpose', 'sslserver', '-verify_hostname', 'kubernetes']],
    ['a server certificate by address', { names: ['a', '10.96.4.1'] }, ['-purpose', 'sslserver', '-verify_ip', '10.96.4.1']],
    ['a server certificate by IPv6 address', { names: ['fd00::1'] }, ['-purpose', 'sslserver', '-verify_ip', 'fd00::1']],
    [
      'a client certificate',
      { usages: ['client'], names: [], subject: { commonName: 'a', organization: 'b' } },
      ['-purpose', 'sslclient'],
    ],
    ['a peer certificate', { usages: ['server', 'client'] }, ['-purpose', 'sslserver']],
    ['a certificate that ends after 2050', { notAfter: new Date('2051-01-01T00:00:00Z') }, []],
  ])('takes %s', async ([, leaf, args]) => {
    expect(await verify((await aLeaf(leaf)).cert, ...args)).toContain(': OK')
  })

  test.for<[name: string, key: readonly string[]]>([
    ['an RSA key', ['rsa:2048']],
    ['a P-384 key', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
  ])("takes a leaf of somebody else's authority with %s and a name of its own for it", async ([, key]) => {
    const file = (name: string) => join(folder, name)
    const named = [
      '-addext',
      'subjectKeyIdentifier=0102030405060708',
      '-addext',
      'authorityKeyIdentifier=none',
      '-addext',
      'keyUsage=critical,keyCertSign',
    ]
    const made = ['-keyout', file('their.key'), '-out', file('their.crt'), '-subj', '/CN=theirs', '-days', '2']
    await execa('openssl', ['req', '-x509', '-nodes', '-newkey', ...key, ...made, ...named])
    const [cert, privateKey] = await Promise.all([readFile(file('their.crt'), 'utf8'), readFile(file('their.key'), 'utf8')])
    const theirs = { cert, key: privateKey }
    const leaf = await issueLeaf(theirs, { subject: { commonName: 'u' }, usages: ['client'], notBefore: new Date(), notAfter })
    await writeFile(file('leaf.crt'), leaf.cert)
    const { stdout } = await execa('openssl', ['verify', '-x509_strict', '-CAfile', file('their.crt'), file('leaf.crt')])
    expect(stdout).toContain(': OK')
    // What is good is kept, and not made anew each time.
    const plan = { subject: { commonName: 'u' }, names: [] }
    expect(reissueReason({ plan, issued: leaf, authorityCert: cert, now: new Date() })).toBeUndefined()
  })

  test('takes the authority itself', async () => {
    expect(await verify(authority.cert)).toContain(': OK')
  })

  test('refuses a leaf of an authority of the same name', async () => {
    const impostor = await issueAuthority({ subject: { commonName: 'test-ca' }, notBefore, notAfter })
    const leaf = await issueLeaf(impostor, { subject: { commonName: 'leaf' }, usages: ['server'], notBefore, notAfter })
    await expect(verify(leaf.cert)).rejects.toThrow()
  })

  test('refuses a leaf that signs another leaf', async () => {
    const leaf = await aLeaf()
    const below = await issueLeaf(leaf, { subject: { commonName: 'below' }, usages: ['server'], notBefore, notAfter })
    await writeFile(join(folder, 'between.crt'), leaf.cert)
    await expect(verify(below.cert, '-untrusted', join(folder, 'between.crt'))).rejects.toThrow()
  })
})

test('a certificate carries its names, its subject and the key it was made with', async () => {
  const { cert, key } = await aLeaf({
    subject: { commonName: 'uid', organization: 'berth:tenant:é' },
    names: ['x.y', '10.0.0.1'],
  })
  const parsed = new X509Certificate(cert)
  expect(parsed.subject).toBe('O=berth:tenant:é\nCN=uid')
  expect(parsed.subjectAltName).toBe('DNS:x.y, IP Address:10.0.0.1')
  expect(key).toContain('BEGIN PRIVATE KEY')
  expect(parsed.serialNumber).toMatch(/^[4-7][0-9A-F]{39}$/)
})

// The bits of one public key in 256 look like an ASN.1 value of their own.
test('whatever its key, a certificate is whole, and no two share a serial number', async () => {
  const leaves = await Promise.all(Array.from({ length: 1500 }, () => aLeaf()))
  const parsed = leaves.map(({ cert }) => new X509Certificate(cert))
  const { publicKey } = new X509Certificate(authority.cert)
  expect(parsed.every((cert) => cert.verify(publicKey))).toBe(true)
  expect(new Set(parsed.map(({ serialNumber }) => serialNumber)).size).toBe(1500)
})

test('refuses a name that is neither DNS name nor address', async () => {
  await expect(aLeaf({ names: ['a b'] })).rejects.toThrow('write a DNS name or an IP address')
})
