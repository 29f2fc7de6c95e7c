import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resourceTypes } from '../apis/resource-types.ts'
import { eventually } from '../testing/eventually.ts'
import { createTestPki } from '../testing/test-pki.ts'
import { createSocketGuard } from './socket-guard.ts'
import { createTenantClient } from './tenant-client.ts'

const megabyte = 1024 * 1024

const guarded = () => {
  const seen = { calls: 0, bytes: 0 }
  let wasted = 0
  const guard = createSocketGuard({ seen: () => ({ ...seen }), wasted: () => (wasted += 1) })
  const connect = () => {
    const socket = { bytesRead: 0, isGone: false, once: () => socket, destroy: () => ((socket.isGone = true), socket) }
    guard.watch(socket as never)
    return socket
  }
  return { guard, connect, seen, wasted: () => wasted }
}

describe('connections', () => {
  test('stay while what comes are answers', () => {
    const { guard, connect, seen } = guarded()
    const socket = connect()
    for (let each = 0; each < 1_000; each += 1) {
      seen.calls += 1
      seen.bytes += megabyte
      socket.bytesRead += 1.2 * megabyte
      guard.look()
    }
    expect(socket.isGone).toBe(false)
  })

  test('stay while answers are on their way to who reads them', () => {
    const { guard, connect } = guarded()
    const sockets = Array.from({ length: 30 }, connect)
    for (const socket of sockets) socket.bytesRead += megabyte / 4
    guard.look()
    expect(sockets.some(({ isGone }) => isGone)).toBe(false)
  })

  test('stay for days with a ping now and then', () => {
    const { guard, connect } = guarded()
    const socket = connect()
    for (let each = 0; each < 10_000; each += 1) {
      socket.bytesRead += 10_000
      guard.look()
    }
    expect(socket.isGone).toBe(false)
  })

  test('are closed where much came that is no answer, which costs the server much; others stay', () => {
    const { guard, connect, wasted } = guarded()
    const [quiet, loud] = [connect(), connect()]
    quiet.bytesRead += megabyte
    guard.look()
    for (let each = 0; each < 7; each += 1) {
      loud.bytesRead += megabyte
      guard.look()
    }
    expect(loud.isGone).toBe(false)
    loud.bytesRead += 2 * megabyte
    guard.look()
    expect([quiet.isGone, loud.isGone]).toEqual([false, true])
    expect(wasted()).toBe(10)
  })

  test('are closed again, each time', () => {
    const { guard, connect } = guarded()
    for (let each = 0; each < 3; each += 1) {
      const socket = connect()
      guard.look()
      socket.bytesRead += 20 * megabyte
      guard.look()
      expect(socket.isGone).toBe(true)
    }
  })
})

describe('a server that speaks HTTP/2 by hand', () => {
  let folder = ''
  let pki: Awaited<ReturnType<typeof createTestPki>>
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-guard-'))
    pki = await createTestPki(folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** RFC 9113, section 4.1: length, type, flags, stream. */
  const frame = (type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer => {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head.writeUInt8(type, 3)
    head.writeUInt8(flags, 4)
    head.writeUInt32BE(stream, 5)
    return Buffer.concat([head, payload])
  }
  const settings = frame(4, 0, 0)
  const settingsAck = frame(4, 1, 0)
  /** HEADERS with END_HEADERS and `:status: 200` from HPACK's static table. */
  const ok = frame(1, 4, 1, Buffer.from([0x88]))

  /** True once the bytes from a client hold the HEADERS of a request, behind the preface of 24 bytes. */
  const hasRequest = (bytes: Buffer): boolean => {
    for (let at = 24; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) if (bytes[at + 3] === 1) return true
    return false
  }

  test.for<[name: string, noise: Buffer]>([
    ['that open a window further (WINDOW_UPDATE)', frame(8, 0, 1, Buffer.from([0, 0, 0, 1]))],
    ['that name other services (ALTSVC)', frame(0xa, 0, 0, Buffer.from('\0\u0001ab'))],
    ['that name origins (ORIGIN)', frame(0xc, 0, 0)],
    ['of a byte each (DATA)', frame(0, 0, 1, Buffer.from('x'))],
  ])('and pours frames %s beside an open watch loses the connection', { timeout: 60_000 }, async ([, noise]) => {
    const [cert, key] = await Promise.all(['server.crt', 'server.key'].map((name) => readFile(join(folder, name))))
    const sockets: Socket[] = []
    const server = createServer({ cert, key, ALPNProtocols: ['h2'] }, (socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      let asked = Buffer.alloc(0)
      const listen = (bytes: Buffer) => {
        asked = Buffer.concat([asked, bytes])
        if (!hasRequest(asked)) return
        socket.off('data', listen).resume()
        socket.write(Buffer.concat([settingsAck, ok]))
        const noises = Buffer.concat(Array.from({ length: 2_000 }, () => noise))
        const pour = () => {
          while (!socket.destroyed && socket.write(noises));
        }
        socket.on('drain', pour)
        pour()
      }
      socket.write(settings)
      socket.on('data', listen)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = createTenantClient({ server: url, ca: pki.ca }, { userAgent: 'berth-test' })
    try {
      const stop = new AbortController()
      const watch = client.watch(resourceTypes.pods, { resourceVersion: '1', signal: stop.signal })[Symbol.asyncIterator]()
      await expect(watch.next()).rejects.toThrow('it sends what is no answer')
      await eventually(() => sockets.length > 0 && sockets.every(({ destroyed }) => destroyed), { deadlineMs: 10_000 })
    } finally {
      await client.close()
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  })
})
