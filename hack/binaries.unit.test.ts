import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { download } from './binaries.ts'

const content = 'a program'
let dir: string
let server: Server
let origin: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'berth-download-'))
  const sum = createHash('sha256').update(content).digest('hex')
  const answers = new Map([
    ['kubectl.sha256', sum],
    ['kubectl', content],
    ['kubelet.sha256', sum],
    ['kubelet', 'something else'],
  ])
  server = createServer((request, response) => {
    const answer = answers.get(request.url?.split('/').at(-1) ?? '')
    response.writeHead(answer === undefined ? 404 : 200).end(answer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.close()
  await rm(dir, { recursive: true, force: true })
})

describe('download', () => {
  test('writes what has the published checksum', async () => {
    expect(await download('v1.37.1', 'kubectl', join(dir, 'kubectl'), origin)).toBe(true)
    expect(await readFile(join(dir, 'kubectl'), 'utf8')).toBe(content)
  })
  test('refuses another content', async () => {
    await expect(download('v1.37.1', 'kubelet', join(dir, 'kubelet'), origin)).rejects.toThrow('checksum')
  })
  test('says no when it is not published, or nobody answers', async () => {
    expect(await download('v1.37.1', 'kube-proxy', join(dir, 'p'), origin)).toBe(false)
    expect(await download('v1.37.1', 'kubectl', join(dir, 'p'), 'http://127.0.0.1:1')).toBe(false)
  })
})
