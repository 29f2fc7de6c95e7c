import { type ConfigOf, text } from '../lib/config.ts'
import { dayMs } from './hours.ts'

/** Settings of the process that measures usage. */
export const meterSettings = {
  usageSampleSeconds: {
    env: 'BERTH_USAGE_SAMPLE_SECONDS',
    flag: 'usage-sample-seconds',
    schema: text.count().max(240).default(60),
    help: 'usage: how often what pods and claims take is counted',
  },
  usageApiSeconds: {
    env: 'BERTH_USAGE_API_SECONDS',
    flag: 'usage-api-seconds',
    schema: text.count().max(240).default(120),
    help: "usage: how often tenants' API servers are asked for objects and requests",
  },
  usageWriteSeconds: {
    env: 'BERTH_USAGE_WRITE_SECONDS',
    flag: 'usage-write-seconds',
    schema: text.count().max(3600).default(300),
    help: 'usage: how often it is written: so much of it may be lost when the process is killed',
  },
  usageHourlyDays: {
    env: 'BERTH_USAGE_HOURLY_DAYS',
    flag: 'usage-hourly-days',
    schema: text.count().max(28).default(7),
    help: 'usage: days for which single hours are kept; before, days',
  },
  usageMonths: {
    env: 'BERTH_USAGE_MONTHS',
    flag: 'usage-months',
    schema: text.count().max(120).default(13),
    help: 'usage: months that are kept beside the one that runs, also of tenants that are gone',
  },
}

/** Times of a meter, in ms unless said otherwise. */
export interface MeterTimes {
  readonly sampleEveryMs: number
  readonly apiEveryMs: number
  readonly writeEveryMs: number
  readonly keepHoursMs: number
  /** Months beside the one that runs. */
  readonly keepMonths: number
}

export const meterTimesOf = (config: ConfigOf<typeof meterSettings>): MeterTimes => ({
  sampleEveryMs: config.usageSampleSeconds * 1000,
  apiEveryMs: config.usageApiSeconds * 1000,
  writeEveryMs: config.usageWriteSeconds * 1000,
  keepHoursMs: config.usageHourlyDays * dayMs,
  keepMonths: config.usageMonths,
})
