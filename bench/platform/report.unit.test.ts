import { expect, test } from 'vitest'
import { aCreate, aList, aResult, aSpread, deliveries, someStarts } from './example-result.ts'
import { reportOf } from './report.ts'

const line = (text: string, start: string): string =>
  text
    .split('\n')
    .find((each) => each.startsWith(start))
    ?.replace(/ {2,}/g, ' | ') ?? ''

test('the report has goals and a row for each way', () => {
  const text = reportOf(
    aResult({
      list: aList(aSpread(30, 51)),
      create: aCreate(aSpread(50, 60), aSpread(80, 90)),
      webhooks: { redis: deliveries(499.5), inProcess: deliveries(40) },
      jobs: {
        redis: { jobs: 5000, addedPerSecond: 2000, runPerSecond: 1500 },
        inProcess: { jobs: 1000, addedPerSecond: 300, runPerSecond: 90 },
      },
      cli: someStarts(100, 151),
    }),
  )
  expect(line(text, 'list 1000')).toBe('list 1000 tenants, p99 | 51.0 ms | below | 50 ms | missed')
  expect(line(text, 'webhooks delivered')).toBe('webhooks delivered on Redis | 499.5 /s | at least | 490 /s | ok')
  expect(line(text, 'API, all in one ')).toBe('API, all in one | 200 | 30.0 | 51.0')
  expect(line(text, 'ready until known: kubectl wait')).toBe('ready until known: kubectl wait | 200 | 12.0 | 20.0')
  expect(line(text, 'on Redis')).toBe('on Redis | 499.5 | 15000 | 0 | 750 | 0 | 0 | 10.0 | 40.0 | 1200 | 2100 | 0.61 | 120')
  expect(text).toMatch(/^in-process +1000 +300 +90$/m)
  expect(line(text, 'berth --version  ')).toBe('berth --version | 200 | 100.0 | 100.0')
  expect(text).not.toContain('undefined')
})

test('memory of streams is told for each client', () => {
  const residentMiB = { before: 100, open: 120, after: 150, closed: 140 }
  const streams = { clients: 1000, residentMiB, each: aSpread(5, 20), all: aSpread(15, 30), cpuMsPerEvent: 0.011 }
  const text = reportOf(aResult({ streams }))
  expect(line(text, 'until all have it')).toBe('until all have it | 200 | 15.0 | 30.0')
  expect(text).toContain(
    '100.0 MiB before, 120.0 with all open, 150.0 after the events, 140.0 closed; 20.5 KiB per client; 11.0 us',
  )
})

test('what broke off is told, and what was not measured is left out', () => {
  const text = reportOf(
    aResult({
      failures: [{ stage: 'streams', message: 'a change did not come' }],
      profiles: { api: [{ function: 'parse', ms: 12, share: 0.5 }] },
    }),
  )
  expect(text).toContain('streams broke off: a change did not come')
  expect(line(text, 'parse')).toBe('parse | 12 | 50.0')
  expect(text).not.toContain('kubectl wait')
})
