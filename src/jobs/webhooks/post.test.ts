import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../../testing/eventually.ts'
import { createTestPki } from '../../testing/test-pki.ts'
import { type Answer, endless, type Receiver, startReceiver } from '../../testing/webhook-receiver.ts'
import { createPoster, type Poster, type PosterOptions } from './post.ts'

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

const aPoster = (options: PosterOptions = {}): Poster => {
  const poster = createPoster({ timeoutMs: 500, ...options })
  ends.push(() => poster.close())
  return poster
}
const aReceiver = async (answer: Answer, tls?: { cert: string; key: string }): Promise<Receiver> => {
  const receiver = await startReceiver(answer, tls)
  ends.push(() => receiver.stop())
  return receiver
}
const send = (poster: Poster, url: string, signal = new AbortController().signal) =>
  poster.post({ target: { url: new URL(url), address: '127.0.0.1' }, headers: { 'x-test': 'yes' }, body: '{"a":1}', signal })

describe('a delivery over HTTP', () => {
  test('goes to the address, under the name', async () => {
    const { port, received } = await aReceiver((response) => response.writeHead(204).end())
    expect(await send(aPoster(), `http://hooks.example.com:${port}/in?x=1`)).toEqual({ status: 204, retryAfter: undefined })
    expect(received).toMatchObject([
      { method: 'POST', path: '/in?x=1', body: '{"a":1}', headers: { host: `hooks.example.com:${port}`, 'x-test': 'yes' } },
    ])
  })

  test('tells status and Retry-After, and follows no redirect', async () => {
    const other = await aReceiver((response) => response.end())
    const { port } = await aReceiver((response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${other.port}/`, 'retry-after': '7' }).end(),
    )
    expect(await send(aPoster(), `http://a.example:${port}/`)).toEqual({ status: 307, retryAfter: '7' })
    expect(other.received).toEqual([])
  })

  test('uses a connection again', async () => {
    const { port, connections } = await aReceiver((response) => response.end('thanks'))
    const poster = aPoster()
    for (let turn = 0; turn < 5; turn += 1) {
      await send(poster, `http://a.example:${port}/`)
      await new Promise(setImmediate)
    }
    expect(connections()).toBeLessThan(5)
  })

  test.for<[name: string, answer: Answer, reason: RegExp]>([
    ['says nothing', () => {}, /no answer within 500 ms/],
    ['drops the connection', (response) => response.socket?.destroy(), /socket hang up|ECONNRESET/],
    ['speaks something else', (response) => response.socket?.end('SSH-2.0-OpenSSH\r\n'), /Parse Error|hang up/],
    [
      'sends a head without end',
      (response) => {
        const more = setInterval(() => response.socket?.write('HTTP/1.1 100 Continue\r\n\r\n'), 20)
        response.socket?.on('close', () => clearInterval(more))
      },
      /no answer within 500 ms/,
    ],
    [
      'sends a head that is too large',
      (response) => response.writeHead(200, { 'x-large': 'x'.repeat(40_000) }).end(),
      /Header|overflow/i,
    ],
    [
      'changes the protocol',
      (response) => response.socket?.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      /another protocol|no answer/,
    ],
  ])('fails when the receiver %s', async ([, answer, reason]) => {
    const { port } = await aReceiver(answer)
    await expect(send(aPoster(), `http://a.example:${port}/`)).rejects.toMatchObject({ code: 'WEBHOOK_FAILED', message: reason })
  })

  test('fails when nobody listens', async () => {
    const receiver = await startReceiver((response) => response.end())
    await receiver.stop()
    await expect(send(aPoster(), `http://a.example:${receiver.port}/`)).rejects.toMatchObject({
      code: 'WEBHOOK_FAILED',
      message: /ECONNREFUSED/,
    })
  })

  test('takes the head of an endless answer and drops the rest', async () => {
    let isDropped = false
    const { port } = await aReceiver((response) => {
      response.on('close', () => {
        isDropped = true
      })
      endless(response, 200)
    })
    expect(await send(aPoster(), `http://a.example:${port}/`)).toMatchObject({ status: 200 })
    await eventually(() => isDropped)
  })

  test('waits for no slow body', async () => {
    let isDropped = false
    const { port } = await aReceiver((response) => {
      response.on('close', () => {
        isDropped = true
      })
      response.writeHead(500).write('x')
    })
    expect(await send(aPoster(), `http://a.example:${port}/`)).toMatchObject({ status: 500 })
    await eventually(() => isDropped)
  })

  test('ends when it is told to', async () => {
    const { port, received } = await aReceiver(() => {})
    const stop = new AbortController()
    const sent = send(aPoster({ timeoutMs: 30_000 }), `http://a.example:${port}/`, stop.signal)
    sent.catch(() => {})
    await eventually(() => received.length === 1)
    stop.abort(new Error('stop now'))
    await expect(sent).rejects.toThrow('stop now')
  })
})

describe('a delivery over HTTPS', () => {
  let folder: string
  let ca: string
  let tls: { cert: string; key: string }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-post-'))
    ;({ ca } = await createTestPki(folder))
    const [cert, key] = await Promise.all(['server.crt', 'server.key'].map((name) => readFile(join(folder, name), 'utf8')))
    tls = { cert: cert ?? '', key: key ?? '' }
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.for(['localhost', '127.0.0.1'])('arrives at %s, whose certificate has the name', async (name) => {
    const { port } = await aReceiver((response) => response.writeHead(200).end(), tls)
    expect(await send(aPoster({ ca }), `https://${name}:${port}/`)).toMatchObject({ status: 200 })
  })

  test('is not sent to who has a certificate of another name', async () => {
    const { port, received } = await aReceiver((response) => response.end(), tls)
    await expect(send(aPoster({ ca }), `https://hooks.example.com:${port}/`)).rejects.toMatchObject({
      code: 'WEBHOOK_FAILED',
      message: /altnames/,
    })
    expect(received).toEqual([])
  })

  test('is not sent to who has a certificate of an unknown authority', async () => {
    const { port, received } = await aReceiver((response) => response.end(), tls)
    await expect(send(aPoster(), `https://localhost:${port}/`)).rejects.toMatchObject({ code: 'WEBHOOK_FAILED' })
    expect(received).toEqual([])
  })
})
