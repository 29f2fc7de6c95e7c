import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { createTestPki } from '../testing/test-pki.ts'
import { type AgentCertificates, readCertificates, watchCertificates } from './certificates.ts'

let folder: string
const file = (name: string): string => join(folder, name)
const files = () => ({ cert: file('server.crt'), key: file('server.key'), clientCa: file('ca.crt') })
const log = pino({ level: 'silent' })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-certificates-'))
  await createTestPki(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a set that would let the wrong ones in is not used', () => {
  test.for<[name: string, ca: string]>([
    ['an empty authority', ''],
    ['an authority that is a line of text', 'none yet\n'],
    ['an authority that is broken', '-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n'],
  ])('%s', async ([, ca]) => {
    await writeFile(file('bad.crt'), ca)
    await expect(readCertificates({ ...files(), clientCa: file('bad.crt') })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
    })
  })
  test("an authority that is somebody's own certificate", async () => {
    await expect(readCertificates({ ...files(), clientCa: file('server.crt') })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
    })
  })
  test('a key of another certificate', async () => {
    const mixed = readCertificates({ ...files(), key: file('ca.key') })
    await expect(mixed).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
  })
  test('a file that is not there', async () => {
    await expect(readCertificates({ ...files(), cert: file('none') })).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
  })
})

test('a renewed set is told once, a broken one never', async () => {
  const first = await readCertificates(files())
  const seen: AgentCertificates[] = []
  const watch = watchCertificates(first, files(), { everyMs: 5, log, onChange: (certificates) => void seen.push(certificates) })
  try {
    await cp(file('server.key'), file('old.key'))
    await writeFile(file('server.key'), 'half written')
    const next = await mkdtemp(join(folder, 'next-'))
    await createTestPki(next)
    await cp(join(next, 'server.crt'), file('server.crt'))
    await cp(join(next, 'server.key'), file('server.key'))
    await eventually(() => seen.length > 0, { describe: 'the renewed certificates' })
    expect(seen).toEqual([await readCertificates(files())])
  } finally {
    watch.stop()
  }
})
