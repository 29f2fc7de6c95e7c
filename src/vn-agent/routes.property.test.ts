import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { superNamespace } from '../tenancy/names.ts'
import { nodeRoute } from './node-routes.ts'
import { agentRoute, kubeletPath, superPath } from './routes.ts'
import { upgradeHeaders } from './upgrade-headers.ts'

const tenant = { uid: '11111111-2222-3333-4444-555555555555', name: 'acme' }
const runs = { numRuns: 4_000 }

// Half of it is what a client sends, half what reads as something else once somebody decodes, folds or resolves it.
const word = fc.constantFrom('shop', 'web-0', 'main', 'kube-system', 'a.b', '11111111-2222-3333-4444-555555555555')
const odd = fc.constantFrom(
  '',
  '.',
  '..',
  '...',
  '%2e%2e',
  '%2E',
  '..;',
  ';a=b',
  '%2f',
  '%2F..',
  '%5c',
  '\\',
  '%00',
  '\0',
  '%0d%0a',
  '\r\n',
  ' ',
  '%20',
  '#',
  '?',
  '%3f',
  '%23',
  '@',
  ':',
  '//',
  '*',
  '~',
  '%',
  '%zz',
  '%c0%ae',
  '．．',
  'ｓhop',
  'SHOP',
  '-',
  'a'.repeat(64),
  '[::1]',
)
const segment = fc.oneof(
  { arbitrary: word, weight: 16 },
  { arbitrary: odd, weight: 2 },
  { arbitrary: fc.tuple(word, odd).map((parts) => parts.join('')), weight: 1 },
  { arbitrary: fc.string({ maxLength: 8, unit: 'binary' }), weight: 1 },
)
const verb = fc.oneof(
  { arbitrary: fc.constantFrom('containerLogs', 'exec', 'attach', 'portForward'), weight: 6 },
  {
    arbitrary: fc.constantFrom('run', 'logs', 'pods', 'metrics', 'configz', 'debug', 'api', 'containerlogs', 'Exec', '__proto__'),
    weight: 1,
  },
  { arbitrary: segment, weight: 1 },
)
const optionName = fc.oneof(
  {
    arbitrary: fc.constantFrom('command', 'input', 'output', 'error', 'tty', 'port', 'follow', 'tailLines', 'stream'),
    weight: 6,
  },
  {
    arbitrary: fc.constantFrom('container', 'stdin', 'ports', 'as', 'constructor', '', 'COMMAND', 'command[]', 'limitBytes'),
    weight: 1,
  },
)
const optionValue = fc.oneof(
  {
    arbitrary: fc.constantFrom('1', 'true', '0', 'id', '80', '80,443', '3', 'Stderr', '%26container=other', '%2526', '+'),
    weight: 6,
  },
  { arbitrary: odd, weight: 1 },
  { arbitrary: fc.string({ maxLength: 6, unit: 'binary' }), weight: 1 },
)
const query = fc.oneof(
  fc.constant(''),
  fc
    .array(fc.tuple(optionName, optionValue), { maxLength: 4 })
    .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`),
)
const target = fc
  .tuple(
    fc.constantFrom('/', '/', '/', '/', '', '//', '/./', 'https://super.example/', '/%2f'),
    verb,
    fc.array(segment, { minLength: 1, maxLength: 4 }),
    query,
  )
  .map(([start, first, rest, asked]) => `${start}${[first, ...rest].join('/')}${asked}`)
const method = fc.oneof(
  { arbitrary: fc.constantFrom('GET', 'POST'), weight: 8 },
  { arbitrary: fc.constantFrom('PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'get', 'TRACE', ''), weight: 1 },
)

const label = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?'
const superShape = new RegExp(`^/api/v1/namespaces/(${label})/pods/([a-z0-9.-]{1,253})/(log|exec|attach|portforward)$`)
const kubeletShape = new RegExp(`^/(?:containerLogs|exec|attach|portForward)/(${label})/([a-z0-9.-]{1,253})(?:/${label})?$`)
const superOptions =
  /^(?:container|command|stdin|stdout|stderr|tty|ports|follow|previous|timestamps|sinceSeconds|sinceTime|tailLines|limitBytes|stream)$/

/** What whoever reads the line by the rules of URLs makes of it: the same path, letter by letter, and no option that is not in the list. */
const readAgain = (line: string): { path: string; options: string[] } => {
  expect(line).toMatch(/^[\x21-\x7e]+$/)
  expect(line).not.toMatch(/[#\\]/)
  const url = new URL(`https://super.example${line}`)
  expect(url.host).toBe('super.example')
  expect(url.pathname).toBe(line.split('?', 1)[0])
  return { path: url.pathname, options: [...url.searchParams.keys()] }
}

describe('any request line', () => {
  test("names one pod of this tenant's own namespaces and an allowed subresource of it, or is refused", () => {
    let routed = 0
    fc.assert(
      fc.property(method, target, (asked, url) => {
        const answer = agentRoute(asked, url)
        if (answer.kind === 'refused') {
          expect([400, 404]).toContain(answer.status)
          return
        }
        routed += 1
        const { path, options } = readAgain(superPath(answer.route, tenant))
        const [, namespace = '', pod = ''] = superShape.exec(path) ?? []
        expect(namespace).toBe(superNamespace(tenant, url.split('/')[2] ?? ''))
        expect(pod).toBe(url.split(/[/?]/)[3])
        for (const option of options) expect(option).toMatch(superOptions)
        expect(options.filter((option) => option === 'container').length).toBeLessThanOrEqual(1)
      }),
      runs,
    )
    // Else the property would hold for a table that refuses everything.
    expect(routed).toBeGreaterThan(50)
  })

  test('names the same pod at a kubelet, and no path of its own', () => {
    fc.assert(
      fc.property(method, target, (asked, url) => {
        const answer = agentRoute(asked, url)
        if (answer.kind === 'refused') return
        const namespace = superNamespace(tenant, answer.route.namespace)
        const { path } = readAgain(kubeletPath(answer.route, namespace))
        expect(kubeletShape.exec(path)?.slice(1)).toEqual([namespace, answer.route.pod])
      }),
      runs,
    )
  })

  test('reads of the node only what is in its table', () => {
    fc.assert(
      fc.property(method, target, (asked, url) => {
        const read = nodeRoute(asked, url)
        if (read)
          expect(`${asked} ${url.split('?', 1)[0]}`).toMatch(
            /^GET \/(?:metrics(?:\/[a-z]+)?|stats\/summary|pods|runningpods|healthz)\/?$/,
          )
      }),
      runs,
    )
  })
})

const headerName = fc.constantFrom(
  'Upgrade',
  'Connection',
  'Content-Length',
  'Transfer-Encoding',
  'Accept',
  'User-Agent',
  'X-Stream-Protocol-Version',
  'Sec-WebSocket-Protocol',
  'Authorization',
  'Impersonate-User',
  'impersonate-group',
  'Impersonate-Extra-scopes',
  'X-Remote-User',
  'X-Forwarded-For',
  'Cookie',
  'Host',
  'Expect',
)
const headerValue = fc.constantFrom(
  'SPDY/3.1',
  'websocket',
  'upgrade',
  'keep-alive, Upgrade',
  '0',
  '5',
  'chunked',
  'v5.channel.k8s.io',
  'Bearer stolen',
  'system:masters',
  'base64url.bearer.authorization.k8s.io.c3RvbGVu',
)
const headers = fc
  .tuple(
    fc.constantFrom([], ['Upgrade', 'SPDY/3.1', 'Connection', 'Upgrade']),
    fc.array(fc.tuple(headerName, headerValue), { maxLength: 8 }),
  )
  .map(([first, rest]) => [...first, ...rest.flat()])
const known =
  /^(?:accept|user-agent|x-stream-protocol-version|sec-websocket-(?:key|version|protocol|extensions)|connection|upgrade|content-length)$/i

describe('any headers of an upgrade', () => {
  test('say nothing of who asks, and never that there is a body', () => {
    let passed = 0
    fc.assert(
      fc.property(headers, (raw) => {
        const answer = upgradeHeaders(raw)
        if (answer.kind === 'refused') return
        passed += 1
        const names = answer.headers.filter((_, index) => index % 2 === 0)
        for (const name of names) expect(name).toMatch(known)
        for (const once of ['connection', 'upgrade', 'content-length'])
          expect(names.filter((name) => name.toLowerCase() === once)).toHaveLength(1)
        expect(answer.headers.at(-1)).toBe('0')
        const protocols = answer.headers.filter((_, index) => /^sec-websocket-protocol$/i.test(answer.headers[index - 1] ?? ''))
        expect(protocols.join('\n')).not.toContain('bearer.authorization')
      }),
      runs,
    )
    expect(passed).toBeGreaterThan(50)
  })
})
