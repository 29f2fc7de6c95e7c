import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withLock } from './lock.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'berth-lock-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Another process that takes the lock, says so, and holds it until it is killed. */
const holder = async (path: string) => {
  const script = `import { withLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))}
    await withLock(${JSON.stringify(path)}, () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000) }), { deadlineMs: 5000 })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

describe('withLock', () => {
  test('lets one at a time in', async () => {
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      inside++
      most = Math.max(most, inside)
      await new Promise(setImmediate)
      inside--
    }
    await Promise.all(Array.from({ length: 4 }, () => withLock(join(dir, 'a'), work, { deadlineMs: 20_000 })))
    expect(most).toBe(1)
  })

  test('gives up at the deadline while another process has it, and gets it when that one is killed', async () => {
    const path = join(dir, 'b')
    const child = await holder(path)
    await expect(withLock(path, async () => 'mine', { deadlineMs: 1_000 })).rejects.toThrow('stayed locked')
    child.kill('SIGKILL')
    expect(await withLock(path, async () => 'mine', { deadlineMs: 10_000 })).toBe('mine')
  }, 30_000)

  test('is given back when the work fails', async () => {
    const path = join(dir, 'c')
    const failing = withLock(path, async () => Promise.reject(new Error('no')), { deadlineMs: 5_000 })
    await expect(failing).rejects.toThrow('no')
    expect(await withLock(path, async () => 'next', { deadlineMs: 5_000 })).toBe('next')
  })
})
