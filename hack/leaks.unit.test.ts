import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { leaks, type SecretObject, treasures } from './leaks.ts'

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const token = randomBytes(24).toString('base64url')
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const kubeconfig = `users:\n- name: admin\n  user:\n    client-key-data: ${base64(key)}\n`

const secret = (data: Record<string, string>): SecretObject => ({
  metadata: { namespace: 'berth-acme', name: 'keys' },
  data: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, base64(value)])),
})
const found = (data: Record<string, string>, text: string): readonly string[] =>
  leaks(treasures([secret(data)]), [{ place: 'log of manager', text }])

describe('what may not be said', () => {
  test.for<[name: string, data: Record<string, string>, text: string, owner: string]>([
    ['a private key', { 'tls.key': key }, `it was ${key}`, 'tls.key'],
    ['a private key in one line of JSON', { 'tls.key': rsa }, JSON.stringify({ key: rsa }), 'tls.key'],
    ['a private key in base64', { 'tls.key': key }, base64(key), 'tls.key'],
    ['a token', { token }, `Authorization: Bearer ${token}`, 'token'],
    ['a token in base64', { token }, `{"data":{"token":"${base64(token)}"}}`, 'token'],
    ['the key of a kubeconfig', { value: kubeconfig }, `client-key-data: ${base64(key)}`, 'value'],
    [
      'a key by which Secrets are encrypted',
      { 'encryption.yaml': `keys:\n  - name: key1\n    secret: ${token}\n` },
      `secret ${token}`,
      'encryption.yaml',
    ],
    ['the password of a URL without it', { REDIS_URL: `redis://:${token}@berth-redis:6379` }, `AUTH ${token}`, 'REDIS_URL'],
    ['what signs webhooks', { secrets: `["whsec_${token}"]` }, `whsec_${token}`, 'secrets'],
    ['a whole kubeconfig in base64', { value: kubeconfig }, base64(kubeconfig), 'value'],
    [
      'a password in a URL',
      { REDIS_URL: `redis://:${token}@berth-redis:6379` },
      `cannot reach redis://:${token}@berth-redis:6379`,
      'REDIS_URL',
    ],
  ])('%s', ([, data, text, owner]) => {
    expect(found(data, `before ${text} after`)).toEqual([`log of manager says a value of Secret berth-acme/keys[${owner}]`])
  })

  test('it is told by its place, never by its value', () => {
    expect(found({ 'tls.key': key, token }, `${key}${token}`).join('\n')).not.toContain(token)
  })
})

describe('what may be said', () => {
  test.for<[name: string, data: Record<string, string>, text: string]>([
    ['a short word', { enabled: 'true', user: 'admin' }, 'true admin'],
    [
      'a certificate',
      { 'tls.crt': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----' },
      '-----BEGIN CERTIFICATE-----\nMIIB',
    ],
    ['where a webhook goes', { url: 'https://hooks.example.com/berth' }, 'cannot reach https://hooks.example.com/berth'],
    ['another key', { 'tls.key': key }, rsa],
    ['the head of a key', { 'tls.key': key }, '-----BEGIN PRIVATE KEY-----'],
    ['the name of a Secret', { token }, 'Secret berth-acme/keys has a new token'],
  ])('%s', ([, data, text]) => {
    expect(found(data, text)).toEqual([])
  })
})
