import { expect, test } from 'vitest'
import { programFigures } from './at-rest.ts'
import type { ProgramUse } from './processes.ts'
import { waitUntil } from './stage.ts'

const mib = 2 ** 20
const use = (residentMiB: number, cpuSeconds: number): ProgramUse => ({
  resident: residentMiB * mib,
  proportional: 2 * mib,
  anonymous: mib,
  cpuSeconds,
})

test('figures are medians of tenants; a program that started anew counts from its start', () => {
  const before = [new Map([['etcd', use(40, 10)]]), new Map([['etcd', use(40, 10)]]), new Map<string, ProgramUse>()]
  const after = [new Map([['etcd', use(50, 11)]]), new Map([['etcd', use(60, 0.5)]]), new Map([['coredns', use(20, 4)]])]
  expect(programFigures(before, after, 10)).toEqual({
    etcd: { residentMiB: 55, proportionalMiB: 2, anonymousMiB: 1, milliCores: 75 },
    coredns: { residentMiB: 20, proportionalMiB: 2, anonymousMiB: 1, milliCores: 400 },
  })
})

test('a wait says what it saw last, and ends when it is told to', async () => {
  const look = async () => ({ seen: 'nothing yet' })
  const signal = new AbortController().signal
  await expect(waitUntil('a tenant', { deadlineMs: 0, signal }, look)).rejects.toThrow(
    'a tenant: not within 0 s. Seen last: nothing yet',
  )
  const stopped = waitUntil('a tenant', { deadlineMs: 60_000, signal: AbortSignal.timeout(10) }, look)
  await expect(stopped).rejects.toThrow(/abort|timeout/i)
})
