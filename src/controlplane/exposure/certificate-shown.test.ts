import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { issueLeaf, type KeyPair } from '../pki/issue.ts'
import { newAuthority } from '../pki/keys.ts'
import { showsName } from './certificate-shown.ts'

const now = new Date()
const life = { notBefore: new Date(now.getTime() - 60_000), notAfter: new Date(now.getTime() + 3_600_000) }
const { signal } = new AbortController()

let authority: KeyPair
let server: Server
let silent: TcpServer
const leafWith = (names: readonly string[]): Promise<KeyPair> =>
  issueLeaf(authority, { subject: { commonName: 'kube-apiserver' }, usages: ['server'], names, ...life })
const portOf = (of: TcpServer): number => (of.address() as { port: number }).port
const listen = (of: TcpServer): Promise<void> => new Promise((resolve) => void of.listen(0, '127.0.0.1', resolve))
const ask = (name: string, ca = authority.cert): Promise<boolean> =>
  showsName({ address: '127.0.0.1', port: portOf(server), ca }, name, signal)

beforeAll(async () => {
  authority = await newAuthority('test', now)
  server = createServer(await leafWith(['a.example.com', '203.0.113.7', 'fd00::7']))
  server.on('tlsClientError', () => {})
  silent = createTcpServer()
  await Promise.all([listen(server), listen(silent)])
})
afterAll(() => {
  server.close()
  silent.close()
})

test.for<[name: string, shown: boolean]>([
  ['a.example.com', true],
  ['203.0.113.7', true],
  ['fd00::7', true],
  ['b.example.com', false],
  ['203.0.113.8', false],
])('a certificate is shown for %s: %s', async ([name, shown]) => {
  expect(await ask(name)).toBe(shown)
})

test('a certificate of another authority is no proof', async () => {
  expect(await ask('a.example.com', (await newAuthority('other', now)).cert)).toBe(false)
})

test('a new certificate is seen at once', async () => {
  server.setSecureContext(await leafWith(['c.example.com']))
  expect(await ask('c.example.com')).toBe(true)
  expect(await ask('a.example.com')).toBe(false)
})

test('who does not answer proves nothing, and is not waited for', async () => {
  const given = { address: '127.0.0.1', port: portOf(silent), ca: authority.cert }
  expect(await showsName(given, 'a.example.com', AbortSignal.timeout(100))).toBe(false)
  expect(await showsName({ ...given, port: 1 }, 'a.example.com', signal)).toBe(false)
})
