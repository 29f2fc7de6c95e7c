import { expect, test } from 'vitest'
import { aRest, aResult, made } from './example-result.ts'
import { reportOf } from './report.ts'

const line = (text: string, start: string): string =>
  text
    .split('\n')
    .find((each) => each.startsWith(start))
    ?.replace(/ {2,}/g, ' | ') ?? ''

test('the report has goals, phases in their order, growth and sums', () => {
  const text = reportOf(
    aResult({
      alone: { ...made([7, 8, 17], [9]), cpuSeconds: [9, 10, 12] },
      oneByOne: made([7, 8, 17], [9]),
      rests: [aRest(0, 100), aRest(5, 150), aRest(20, 165)],
    }),
  )
  expect(line(text, 'create to usable, one by one, p50')).toBe('create to usable, one by one, p50 | 8.0 s | 10 s | ok')
  expect(line(text, 'create to usable, one by one, p99')).toBe('create to usable, one by one, p99 | 17.0 s | 16 s | missed')
  expect(line(text, 'upgrade, longest')).toBe('upgrade, longest time without a write | - s | 30 s | not measured')
  expect(text.indexOf('DataStoreReady')).toBeLessThan(text.indexOf('\nReady '))
  expect(line(text, 'manager, growth')).toMatch(/ 1\.00 \| 0\.50 \| 0\.00$/)
  expect(line(text, 'all ')).toBe('all | 260.0 | 180.0 | 120.0 | 8.0')
})

test('what broke off is told, and what was not measured is left out', () => {
  const text = reportOf(aResult({ failures: [{ stage: 'upgrade', message: 'the upgrade is Failed: no room' }] }))
  expect(text).toContain('upgrade broke off: the upgrade is Failed: no room')
  expect(text).not.toContain('undefined')
  expect(text).not.toContain('until Ready')
})

test('sizes and wakes have a row each', () => {
  const { programs } = aRest(1, 0)
  const burst = {
    objects: 10_000,
    seconds: 20,
    cpuSeconds: { etcd: 4, 'kube-apiserver': 16 },
    createMs: { p50: 30, p99: 90 },
    listMs: { p50: 40, p99: 60 },
    residentMiB: { etcd: 100, 'kube-apiserver': 400 },
  }
  const figures = { getMs: { p50: 2, p99: 9 }, createMs: { p50: 4, p99: 12 }, cpuMsPerCall: 3, burst }
  const text = reportOf(
    aResult({
      wake: {
        paused: { restSeconds: 5, readySeconds: 6, podSeconds: 0 },
        hibernated: { restSeconds: 7, readySeconds: 8, podSeconds: 9 },
      },
      sizes: [
        { size: 'small', atRest: programs, residentMiBAfterCalls: { etcd: 300 }, ...figures },
        { size: 'medium', atRest: programs, residentMiBAfterCalls: { etcd: 400 }, ...figures, cpuMsPerCall: 2 },
      ],
    }),
  )
  expect(line(text, 'hibernated')).toBe('hibernated | 7.0 | 8.0 | 9.0')
  expect(line(text, 'small  ')).toBe('small | 260.0 | 300.0 | 2.00 | 9.00 | 4.00 | 12.00 | 3.00')
  expect(line(text, 'small, 10000')).toBe('small, 10000 | 20.0 | 500 | 30.0 | 90.0 | 40.0 | 60.0 | 20.0 | 500')
  expect(line(text, 'small / medium: anonymous at rest, kube-apiserver')).toMatch(/ 1\.00$/)
  expect(line(text, 'small / medium: list, p99')).toMatch(/ 1\.00$/)
  expect(line(text, 'small / medium: CPU')).toBe('small / medium: CPU per call | 1.50')
  expect(text).toContain('not measured: GOGC alone')
})
