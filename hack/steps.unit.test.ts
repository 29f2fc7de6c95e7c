import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from './processes.ts'
import { runStep } from './steps.ts'

describe('runStep', () => {
  test('tells what a command printed and whether it ended well', async () => {
    const command = ['sh', '-c', 'echo one; echo two >&2; exit 3'] as const
    const { ok, output } = await runStep({ name: 'three', command })
    expect({ ok, lines: output.trim().split('\n').toSorted() }).toEqual({ ok: false, lines: ['one', 'two'] })
  })

  test('a program that is not there is a failure in words', async () => {
    const result = await runStep({ name: 'missing', command: ['no-such-program'] })
    expect(result).toMatchObject({ ok: false, output: expect.stringContaining('no-such-program') })
  })

  test('one that is stopped has ended, and said its last words', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'berth-step-'))
    const stop = new AbortController()
    const script = `trap 'echo tidy; exit 0' TERM; echo up > ${dir}/up; while :; do sleep 0.05; done`
    const result = runStep({ name: 'long', command: ['sh', '-c', script] }, { stop: stop.signal })
    await until('the command being up', 20_000, () => existsSync(join(dir, 'up')))
    stop.abort()
    expect(await result).toMatchObject({ ok: false, output: expect.stringContaining('tidy') })
    await rm(dir, { recursive: true })
  })
})
