import { describe, expect, test } from 'vitest'
import { checkedUrl, resolveTarget } from './target.ts'

const rules = { allowed: [], refused: [], allowHttp: false }

describe('checkedUrl', () => {
  test.for<[name: string, text: string, reason: RegExp]>([
    ['plain HTTP', 'http://example.com/', /https/],
    ['other schemes', 'file:///etc/passwd', /https/],
    ['gopher', 'gopher://example.com/', /https/],
    ['a user and password', 'https://user:pass@example.com/', /without user/],
    ['what is no URL', 'example.com', /is none/],
    ['port 0', 'https://example.com:0/', /a port from 1/],
    ['an endless one', `https://example.com/${'a'.repeat(3000)}`, /is none/],
  ])('refuses %s', ([, text, reason]) => {
    expect(() => checkedUrl(text, rules)).toThrow(reason)
  })

  test('takes https, and http when it is allowed', () => {
    expect(checkedUrl('https://example.com:8443/x', rules).port).toBe('8443')
    expect(checkedUrl('http://example.com/', { allowHttp: true }).protocol).toBe('http:')
  })

  test('does not repeat what may be a secret', () => {
    expect(() => checkedUrl('http://example.com/token-abc', rules)).toThrow(expect.not.stringContaining('token-abc'))
  })
})

describe('resolveTarget', () => {
  const at =
    (...addresses: readonly string[]) =>
    async () =>
      addresses

  test('takes the first address of a name', async () => {
    const target = await resolveTarget(new URL('https://example.com/'), rules, at('93.184.215.14', '93.184.215.15'))
    expect(target.address).toBe('93.184.215.14')
  })

  test.for<[name: string, url: string, addresses: readonly string[]]>([
    ['a name of an inner address', 'https://inner.example.com/', ['10.0.0.1']],
    ['a name that has an inner address among others', 'https://both.example.com/', ['93.184.215.14', '127.0.0.1']],
    ['an inner address itself', 'https://127.0.0.1/', []],
    ['one in brackets', 'https://[::1]/', []],
    ['IPv4 in IPv6', 'https://[::ffff:169.254.169.254]/', []],
    ['one written as a number', 'https://2130706433/', []],
    ['one written in octal', 'https://0177.0.0.1/', []],
    ['one written short', 'https://127.1/', []],
  ])('refuses %s', async ([, url, addresses]) => {
    await expect(resolveTarget(new URL(url), rules, at(...addresses))).rejects.toMatchObject({ code: 'WEBHOOK_REFUSED' })
  })

  test('may try again a name that is not known now', async () => {
    const unknown = () => Promise.reject(new Error('getaddrinfo ENOTFOUND'))
    await expect(resolveTarget(new URL('https://gone.example.com/'), rules, unknown)).rejects.toMatchObject({
      code: 'WEBHOOK_FAILED',
    })
  })
})
