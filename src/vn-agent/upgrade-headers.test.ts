import { describe, expect, test } from 'vitest'
import { upgradeHeaders } from './upgrade-headers.ts'

const spdy = ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1']

const raw = (...lines: readonly string[]): string[] => lines.flatMap((line) => line.split(': '))
const passed = (...lines: readonly string[]) => {
  const answer = upgradeHeaders(raw(...lines))
  return answer.kind === 'refused' ? answer : { protocol: answer.protocol, headers: answer.headers }
}

test('passes stream headers on as they came, and names the upgrade once', () => {
  const streams = ['X-Stream-Protocol-Version: v5.channel.k8s.io', 'x-stream-protocol-version: v4.channel.k8s.io']
  const upgrade = ['Connection: Upgrade', 'Upgrade: SPDY/3.1', 'Content-Length: 0']
  expect(passed('Host: node:10550', ...streams, ...upgrade, 'User-Agent: kubectl')).toEqual({
    protocol: 'SPDY/3.1',
    headers: raw(...streams, 'User-Agent: kubectl', ...upgrade),
  })
})

test('passes what a WebSocket needs', () => {
  const socket = ['Sec-WebSocket-Key: a2V5', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: v5.channel.k8s.io']
  expect(passed('Connection: keep-alive, Upgrade', 'Upgrade: websocket', ...socket)).toEqual({
    protocol: 'websocket',
    headers: raw(...socket, 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 0'),
  })
})

describe('keeps back every header that says who somebody is', () => {
  test.for([
    'Authorization',
    'authorization',
    'Proxy-Authorization',
    'Cookie',
    'Host',
    'Impersonate-User',
    'impersonate-group',
    'IMPERSONATE-UID',
    'Impersonate-Extra-scopes',
    'X-Remote-User',
    'x-remote-group',
    'X-Remote-Extra-a',
    'X-Forwarded-For',
    'Forwarded',
    'Audit-ID',
    'Transfer-Encodin',
    'Expect',
  ])('%s', (name) => {
    const answer = upgradeHeaders([name, 'system:admin', ...spdy])
    expect(answer.kind === 'headers' && answer.headers.some((text) => text.toLowerCase() === name.toLowerCase())).toBe(false)
    expect(JSON.stringify(answer)).not.toContain('system:admin')
  })
})

describe('refuses', () => {
  test.for<[name: string, rawHeaders: readonly string[]]>([
    ['no upgrade', ['Connection', 'Upgrade']],
    ['no connection header', ['Upgrade', 'SPDY/3.1']],
    ['a connection header without upgrade', ['Connection', 'keep-alive', 'Upgrade', 'SPDY/3.1']],
    ['a second upgrade header', [...spdy, 'Upgrade', 'websocket']],
    ['a second upgrade header in other letters', [...spdy, 'UPGRADE', 'SPDY/3.1']],
    ['two protocols in one header', ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1, websocket']],
    ['an unknown protocol', ['Connection', 'Upgrade', 'Upgrade', 'h2c']],
    ['a body', [...spdy, 'Content-Length', '10']],
    ['two lengths', [...spdy, 'Content-Length', '0', 'content-length', '0']],
    ['a list of lengths', [...spdy, 'Content-Length', '0, 10']],
    ['a chunked body', [...spdy, 'Transfer-Encoding', 'chunked']],
    [
      'a token as a subprotocol',
      [...spdy, 'Sec-WebSocket-Protocol', 'v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj'],
    ],
  ])('%s', ([, rawHeaders]) => {
    expect(upgradeHeaders(rawHeaders)).toMatchObject({ kind: 'refused', status: 400 })
  })
})
