import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { TestPki } from './test-pki.ts'

/** How a server that means harm, or is broken, answers whatever it is asked. */
export type HostileAnswer = (request: IncomingMessage, reply: ServerResponse) => void

/** An HTTPS server in the place of a tenant's API server. */
export interface HostileServer {
  readonly url: string
  /** Method and target of every request. */
  readonly requests: string[]
  answer: HostileAnswer
  stop(): Promise<void>
}

/** Starts one with the certificate that a folder of `createTestPki` has for servers. */
export const startHostileServer = async ({ folder }: Pick<TestPki, 'folder'>, address = '127.0.0.1'): Promise<HostileServer> => {
  const [cert, key] = await Promise.all(['server.crt', 'server.key'].map((name) => readFile(join(folder, name))))
  const sockets = new Set<Socket>()
  const server = createServer({ cert, key, keepAliveTimeout: 60_000 })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const hostile: HostileServer = {
    url: `https://${address}:${(server.address() as AddressInfo).port}`,
    requests: [],
    answer: () => {},
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  server.on('request', (request, reply) => {
    hostile.requests.push(`${request.method} ${request.url}`)
    reply.on('error', () => {})
    hostile.answer(request, reply)
  })
  return hostile
}

/** Made once: the test, the server and the syncer share one thread. */
const large = gzipSync(Buffer.alloc(64 * 1024 * 1024, 32))
const megabytes = 8 * 1024 * 1024
const deep = Buffer.alloc(megabytes, '[')

const json = { 'content-type': 'application/json' }
const page = (items: readonly unknown[], metadata: object = {}): string =>
  JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '1', ...metadata }, items })
const isWatch = ({ url = '' }: IncomingMessage): boolean => url.includes('watch=')

/** Writes the same bytes as fast as they are taken, for ever. */
const pour = (reply: ServerResponse, bytes: string): void => {
  const more = (): void => {
    while (!reply.destroyed && reply.write(bytes));
  }
  reply.on('drain', more)
  more()
}

/** A tenant's object whose names lead elsewhere, as no API server would let one be made. */
const oddObjects = [
  null,
  7,
  'text',
  [],
  {},
  { metadata: null },
  { metadata: {} },
  { metadata: { name: 5, namespace: {} } },
  { metadata: { name: '../../../api/v1/secrets', namespace: 'shop', uid: 'u', resourceVersion: '1' }, spec: {} },
  { metadata: { name: 'a?b#c', namespace: '..', uid: 'u', resourceVersion: '1' }, spec: { containers: 'none' } },
  { metadata: { name: 'x', namespace: 'kube-system/../shop', uid: 'u', resourceVersion: 'NaN' }, spec: null, status: 4 },
  {
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '9',
      labels: 'x',
      annotations: [1],
      ownerReferences: 'y',
    },
  },
  { metadata: { name: '__proto__', namespace: 'constructor', uid: '__proto__', resourceVersion: '1' } },
]

/** An object of many texts that are all different. */
const texts = (name: string, many: number): object => ({
  metadata: { name, namespace: 'shop', uid: name, resourceVersion: '1' },
  data: Array.from({ length: many }, (_, at) => `${at.toString(36)}${name.at(-1)}`),
})

/** Texts that are JSON, or begin so, and cost a parser more than others of their length, or lead it astray. */
const costly = {
  lists: Buffer.from(`[${'[],'.repeat(megabytes / 3)}[]]`),
  names: Buffer.from(
    `{"items":[{"metadata":{"name":"a","labels":{${Array.from({ length: megabytes / 16 }, (_, at) => `"name-${at}":"x"`).join(',')}}}}]}`,
  ),
  text: Buffer.from(page([{ metadata: { name: 'long', namespace: 'shop', annotations: { text: 'x'.repeat(megabytes) } } }])),
  number: Buffer.from(`{"items":[],"metadata":{"resourceVersion":${'9'.repeat(megabytes)}}}`),
  /** All that is just let through: objects of as many different texts as one may hold. */
  most: Buffer.from(page(Array.from({ length: 9 }, (_, at) => texts(`most-${at}`, 190_000)))),
  /** One object too many parts beside one as it should be. */
  onlyOne: Buffer.from(page([texts('small', 1), texts('large', 300_000)])),
}
/** More levels than what walks over an object by recursion can take, in a text so short that it is not looked at. */
const nested = `${'{"a":'.repeat(2_400)}1${'}'.repeat(2_400)}`
/** Names that objects of this language have already. */
const proto = '{"toString":1,"constructor":{"prototype":{"served":1}},"__proto__":{"served":1,"labels":{"served":"1"}}}'
const strangeObjects = [
  `{"metadata":{"name":"deep","namespace":"shop","uid":"d","resourceVersion":"3"},"spec":${nested}}`,
  `{"metadata":{"name":"odd","namespace":"shop","uid":"o","resourceVersion":"3","labels":${proto},"annotations":${proto}},"spec":${proto},"data":${proto}}`,
]

/** Writes below HTTP, over and over, until the other side has had enough. */
const pourRaw = ({ socket }: IncomingMessage, head: string, bytes: string): void => {
  socket.write(head)
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  }
  socket.on('drain', more)
  more()
}

/** Everything that a server can do to whoever asks it. `elsewhere` is where redirects lead. */
export const hostileAnswers = (elsewhere: string): readonly (readonly [name: string, answer: HostileAnswer])[] => [
  ['says nothing', () => {}],
  [
    'says one byte in a while',
    (_request, reply) => {
      reply.writeHead(200, json)
      const timer = setInterval(() => reply.write(' '), 200)
      reply.once('close', () => clearInterval(timer))
    },
  ],
  ['says what is no JSON', (_request, reply) => void reply.writeHead(200, json).end('<html>{"items":[')],
  ['says JSON of another shape', (_request, reply) => void reply.writeHead(200, json).end('[null,1,{"items":{"length":1e9}}]')],
  ['lists nothing, of no version', (_request, reply) => void reply.writeHead(200, json).end('{"metadata":{},"items":[]}')],
  ['says null', (_request, reply) => void reply.writeHead(200, json).end('null')],
  ['nests deep', (_request, reply) => void reply.writeHead(200, json).end(deep)],
  ['says many small things at once', (_request, reply) => void reply.writeHead(200, json).end(costly.lists)],
  ['says many names at once', (_request, reply) => void reply.writeHead(200, json).end(costly.names)],
  ['says as much as is read', (_request, reply) => void reply.writeHead(200, json).end(costly.most)],
  ['says too much of one object', (_request, reply) => void reply.writeHead(200, json).end(costly.onlyOne)],
  ['says one long text', (_request, reply) => void reply.writeHead(200, json).end(costly.text)],
  ['says one long number', (_request, reply) => void reply.writeHead(200, json).end(costly.number)],
  ['fails with many words', (_request, reply) => void reply.writeHead(500, json).end(costly.names)],
  [
    'has objects that are strange inside',
    (request, reply) => {
      if (!isWatch(request))
        return void reply
          .writeHead(200, json)
          .end(`{"metadata":{"resourceVersion":"2","__proto__":{"served":1}},"items":[${strangeObjects.join(',')}]}`)
      reply.writeHead(200, json)
      for (const object of strangeObjects) reply.write(`{"type":"ADDED","object":${object}}\n`)
    },
  ],
  [
    'watches with a line that nests deep',
    (request, reply) => {
      if (!isWatch(request)) return void reply.writeHead(200, json).end(page([]))
      reply.writeHead(200, json).write(deep)
      reply.end('\n')
    },
  ],
  ['never comes to its answer', (request) => pourRaw(request, '', 'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n'.repeat(100))],
  ['never ends its headers', (request) => pourRaw(request, 'HTTP/1.1 200 OK\r\n', `x-more: ${'x'.repeat(1_000)}\r\n`)],
  [
    'lists without end in one answer',
    (_request, reply) => {
      reply.writeHead(200, json).write('{"kind":"List","metadata":{"resourceVersion":"1"},"items":[')
      pour(reply, `{"metadata":{"name":"a","namespace":"b"}},`.repeat(1_000))
    },
  ],
  [
    'lists without end, page by page',
    (request, reply) => {
      const items = Array.from({ length: 500 }, (_, index) => ({
        metadata: { name: `c-${index}`, namespace: 'shop', uid: `u-${index}`, resourceVersion: '1' },
      }))
      if (isWatch(request)) return void reply.writeHead(200, json).end()
      reply.writeHead(200, json).end(page(items, { continue: 'more' }))
    },
  ],
  [
    'says a little that unpacks to much',
    (_request, reply) => void reply.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(large),
  ],
  ['redirects', (_request, reply) => void reply.writeHead(302, { location: `${elsewhere}/api/v1/secrets` }).end()],
  [
    'redirects for good, method and body',
    (_request, reply) => void reply.writeHead(308, { location: `${elsewhere}/api/v1/namespaces` }).end(),
  ],
  ['asks for patience for a year', (_request, reply) => void reply.writeHead(429, { 'retry-after': '31536000' }).end()],
  ['fails', (_request, reply) => void reply.writeHead(500, json).end('{"kind":"Status","code":500}')],
  [
    'says who asks has no rights',
    (_request, reply) => void reply.writeHead(403, json).end('{"kind":"Status","code":403,"reason":"Forbidden"}'),
  ],
  ['breaks off', (request) => void request.socket.destroy()],
  [
    'has objects that no server has',
    (request, reply) => {
      if (!isWatch(request)) return void reply.writeHead(200, json).end(page(oddObjects))
      reply.writeHead(200, json)
      for (const object of oddObjects) reply.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
      reply.end('{"type":"ERROR"}\n{"type":7}\nnull\n')
    },
  ],
  [
    'watches without a line break',
    (request, reply) => {
      if (!isWatch(request)) return void reply.writeHead(200, json).end(page([]))
      reply.writeHead(200, json)
      pour(reply, 'x'.repeat(65_536))
    },
  ],
  [
    'sends events without end',
    (request, reply) => {
      if (!isWatch(request)) return void reply.writeHead(200, json).end(page([]))
      reply.writeHead(200, json)
      const object = { metadata: { name: 'noise', namespace: 'shop', uid: 'u', resourceVersion: '2' } }
      pour(reply, `${JSON.stringify({ type: 'MODIFIED', object })}\n`.repeat(100))
    },
  ],
]
