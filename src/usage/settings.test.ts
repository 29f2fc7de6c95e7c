import { expect, test } from 'vitest'
import { readConfig } from '../lib/config.ts'
import { hourMs } from './hours.ts'
import { meterSettings, meterTimesOf } from './settings.ts'

const timesOf = (env: Record<string, string>) => {
  const result = readConfig('worker', meterSettings, { argv: [], env })
  if (result.kind !== 'config') throw new Error(result.text)
  return meterTimesOf(result.config)
}

test('the times of a meter', () => {
  expect(timesOf({})).toEqual({
    sampleEveryMs: 60_000,
    apiEveryMs: 120_000,
    writeEveryMs: 300_000,
    keepHoursMs: 7 * 24 * hourMs,
    keepMonths: 13,
  })
  expect(timesOf({ BERTH_USAGE_MONTHS: '24', BERTH_USAGE_SAMPLE_SECONDS: '30' })).toMatchObject({
    keepMonths: 24,
    sampleEveryMs: 30_000,
  })
})

test.for<Record<string, string>>([
  // Two samples would be further apart than what is bridged.
  { BERTH_USAGE_SAMPLE_SECONDS: '300' },
  { BERTH_USAGE_API_SECONDS: '0' },
  { BERTH_USAGE_HOURLY_DAYS: '60' },
])('%j is refused', (env) => {
  expect(() => timesOf(env)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
