import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { superNamespace, tenantIdentity } from '../tenancy/names.ts'
import { readAll, type SeenRequest } from '../testing/agent-peers.ts'
import { type AgentGround, type AgentPlace, getText, openAgentGround, upgradeText } from '../testing/agent-place.ts'

let ground: AgentGround
let place: AgentPlace
beforeAll(async () => {
  ground = await openAgentGround()
  place = await ground.openPlace({ perTenant: 100, limits: { headMs: 300, requestMs: 600, keepAliveMs: 300, checkMs: 50 } })
  // A log and an upgrade that end by themselves, so that every connection does.
  place.behaviour.onUpgrade = (socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nstream of web-0')
  }
})
afterAll(() => ground?.remove())

const log = '/containerLogs/shop/web-0/main'
const exec = '/exec/shop/web-0/main?command=id&output=1'

/** Everything that comes back for bytes sent by the client `acme` on one connection. */
const send = async (bytes: string): Promise<string> => {
  const socket = await place.dial(ground.acme)
  const all = readAll(socket).then(
    ({ text }) => text,
    // A connection that is broken off has said all that it will.
    () => '',
  )
  socket.on('error', () => socket.destroy())
  socket.write(Buffer.from(bytes, 'latin1'))
  const text = await all
  socket.destroy()
  return text
}

const valuesOf = ({ rawHeaders }: SeenRequest, wanted: string): string[] =>
  rawHeaders.flatMap((name, at) => (at % 2 === 0 && name.toLowerCase() === wanted ? [rawHeaders[at + 1] ?? ''] : []))

/** What super was asked: about a pod in a namespace of acme's, in acme's name, by the agent's token. */
const expectOwn = (): void => {
  const namespaces = ['shop', 'other'].map((name) => superNamespace(ground.acme, name)).join('|')
  const own = new RegExp(`^/api/v1/namespaces/(${namespaces})/pods/web-0(/(log|exec|attach|portforward))?$`)
  for (const request of place.superServer.requests) {
    expect(request.url?.split('?', 1)[0]).toMatch(own)
    expect(valuesOf(request, 'impersonate-user')).toEqual([tenantIdentity(ground.acme.uid)])
    expect(valuesOf(request, 'authorization')).toEqual(['Bearer agent-token'])
    expect(request.rawHeaders.join('\n')).not.toMatch(/impersonate-(group|uid|extra)|x-remote|system:masters|stolen/i)
  }
}

const line = '\r\n'
const claims = [
  'Impersonate-User: system:admin',
  'Impersonate-Group: system:masters',
  'Authorization: Bearer stolen',
  'X-Remote-User: root',
]
/** A request for what is not the client's, to be found inside another. */
const inner = ['GET /api/v1/secrets HTTP/1.1', 'Host: super', ...claims, '', ''].join(line)
const get = (target: string, headers: readonly string[], { version = 'HTTP/1.1', body = '' } = {}): string =>
  [`GET ${target} ${version}`, ...headers, '', body].join(line)

// A second or so each, until the agent gives up on a connection: side by side.
describe.concurrent('two readers of one stream of bytes', () => {
  test.for<[name: string, bytes: string]>([
    [
      'a length and chunks',
      get(log, ['Host: n', `Content-Length: 5`, 'Transfer-Encoding: chunked'], { body: `0${line}${line}${inner}` }),
    ],
    [
      'chunks and a length',
      get(log, ['Host: n', 'Transfer-Encoding: chunked', 'Content-Length: 5'], { body: `0${line}${line}${inner}` }),
    ],
    ['two lengths', get(log, ['Host: n', 'Content-Length: 0', `Content-Length: ${inner.length}`], { body: inner })],
    ['a length that is a list', get(log, ['Host: n', `Content-Length: 0, ${inner.length}`], { body: inner })],
    ['a length with a sign', get(log, ['Host: n', 'Content-Length: +0'], { body: inner })],
    ['chunks written otherwise', get(log, ['Host: n', 'Transfer-Encoding: xchunked'], { body: inner })],
    ['chunks after a space', get(log, ['Host: n', 'Transfer-Encoding : chunked'], { body: `0${line}${line}${inner}` })],
    ['chunks twice', get(log, ['Host: n', 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], { body: inner })],
    [
      'a chunk with an extension',
      get(log, ['Host: n', 'Transfer-Encoding: chunked'], { body: `0;a=${line}x${line}${line}${inner}` }),
    ],
    ['a folded header', get(log, ['Host: n', 'Accept: a', ' Impersonate-Group: system:masters'])],
    ['a folded length', get(log, ['Host: n', 'Content-Length:', ' 0'], { body: inner })],
    ['a bare line feed', `GET ${log} HTTP/1.1\nHost: n\nImpersonate-Group: system:masters\n\n${inner}`],
    ['a bare carriage return', get(log, ['Host: n', 'Accept: a\rImpersonate-Group: system:masters'])],
    ['a NUL in a header', get(log, ['Host: n', 'Accept: a\0b'])],
    ['a line break in the target', get(`${log}?follow=1%0d%0aHost:%20super`, ['Host: n'])],
    ['a raw line break in the target', get(`${log} HTTP/1.1\r\nImpersonate-Group: system:masters\r\nX:`, ['Host: n'])],
    ['a whole URL', get('https://super/api/v1/secrets', ['Host: super'])],
    ['a whole URL of the agent', get(`https://node:10550${log}`, ['Host: n'])],
    ['an authority', 'CONNECT super:6443 HTTP/1.1\r\nHost: super:6443\r\n\r\n'],
    ['an asterisk', 'OPTIONS * HTTP/1.1\r\nHost: n\r\n\r\n'],
    ['two hosts', get(log, ['Host: n', 'Host: super', 'Connection: close'])],
    ['no host', get(log, ['Connection: close'])],
    ['HTTP/1.0', get(log, ['Host: n'], { version: 'HTTP/1.0' })],
    ['HTTP/1.0 that stays', get(log, ['Host: n', 'Connection: keep-alive'], { version: 'HTTP/1.0', body: inner })],
    ['HTTP/0.9', `GET ${log}${line}`],
    ['HTTP/2 by its preface', `PRI * HTTP/2.0${line}${line}SM${line}${line}`],
    [
      'HTTP/2 by an upgrade',
      get(log, ['Host: n', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']),
    ],
    ['headers named by Connection', get(log, ['Host: n', 'Connection: close, impersonate-user, authorization', ...claims])],
    ['a wait for 100', get(log, ['Host: n', 'Expect: 100-continue', `Content-Length: ${inner.length}`], { body: inner })],
    ['a pipeline', `${get(log, ['Host: n'])}${inner}${getText(log)}`],
    ['a pipeline of paths up', `${get(log, ['Host: n'])}${getText('/containerLogs/../../../api/v1/secrets')}`],
    ['a pipeline after an upgrade that is refused', `${upgradeText('/exec/other/web-0/main?command=id&output=1')}${inner}`],
    [
      'a pipeline after an upgrade that is refused for its headers',
      `${upgradeText(exec, 'SPDY/3.1', ['Transfer-Encoding: chunked'])}0${line}${line}${inner}`,
    ],
    ['a pipeline after a log', `${get(log, ['Host: n', 'Connection: Upgrade', 'Upgrade: SPDY/3.1'])}${inner}`],
    ['a pipeline after an upgrade', `${upgradeText(exec)}${inner}`],
    ['an upgrade with claims', upgradeText(exec, 'SPDY/3.1', claims)],
    [
      'an upgrade with a claim as a protocol',
      upgradeText(exec, 'websocket', ['Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.c3RvbGVu']),
    ],
    ['a header that does not end', get(log, ['Host: n', `Accept: ${'a'.repeat(100_000)}`])],
    ['ten thousand headers', get(log, ['Host: n', ...Array.from({ length: 10_000 }, (_, at) => `X-${at}: a`)])],
  ])('%s', async ([, bytes]) => {
    const text = await send(bytes)
    expectOwn()
    expect(text).not.toMatch(/HTTP\/1\.1 200[^]*HTTP\/1\.1 200[^]*HTTP\/1\.1 200/)
    expect(place.superServer.requests.filter(({ url }) => url?.includes('secrets'))).toEqual([])
  })

  test('an honest request on the same server is served all the while', async () => {
    const text = await send(getText(log))
    expect(text).toContain('200 OK')
    expect(text).toContain('log\n')
    expect(place.superServer.requests.length).toBeGreaterThan(0)
    expectOwn()
  })
})

const piece = fc.constantFrom(
  line,
  '\n',
  '\r',
  ' ',
  '\t',
  '\0',
  ':',
  '0',
  '5',
  'HTTP/1.1',
  'HTTP/1.0',
  'GET',
  'POST',
  log,
  exec,
  '/api/v1/secrets',
  'https://super/',
  'Host: n',
  'Content-Length: 5',
  'Content-Length: 0',
  'Transfer-Encoding: chunked',
  'Connection: Upgrade',
  'Upgrade: SPDY/3.1',
  'Upgrade: websocket',
  ...claims,
)
const request = fc
  .tuple(
    fc.constantFrom('GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'CONNECT', 'get'),
    fc.constantFrom(
      log,
      log,
      log,
      exec,
      exec,
      '/pods',
      '/containerLogs/shop/web-0/main/..',
      `//${log}`,
      `${log}%2f..`,
      'https://super/api',
      '*',
      '/attach/shop/web-0/main?output=1',
    ),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/9.9', ''),
    fc.array(piece, { maxLength: 4 }),
    fc.constantFrom(line, line, line, '\n', '\r\n '),
    fc.constantFrom('', `0${line}${line}`, inner, getText(log)),
  )
  .map(
    ([method, target, version, headers, end, body]) =>
      `${method} ${target} ${version}${line}Host: n${line}${headers.join(end)}${line}${line}${body}`,
  )

describe('any bytes', () => {
  test("reach super only as requests for the client's own pod, in the client's name", { timeout: 120_000 }, async () => {
    place.superServer.requests.splice(0)
    let asked = 0
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 12, maxLength: 12 }), async (each) => {
        await Promise.all(each.map(send))
        expectOwn()
        asked += place.superServer.requests.splice(0).length
      }),
      { numRuns: 12 },
    )
    expect(asked).toBeGreaterThan(5)
  })
})
