import { Cron } from 'croner'
import { AppError, explainError } from '../lib/errors.ts'

/** When something happens again and again: five fields of cron in a time zone. */
export interface CronSchedule {
  readonly schedule: string
  readonly timeZone: string
}

/** The last time of a schedule until now, and the next one. Throws SPEC_INVALID, naming `field`, for what cron or the time zones do not know. */
export const cronTimes = (
  { schedule, timeZone }: CronSchedule,
  now: Date,
  field: string,
): { readonly last: Date | undefined; readonly next: Date | undefined } => {
  try {
    // Five fields: a schedule by the second would be one thing after the other.
    const cron = new Cron(schedule, { timezone: timeZone, mode: '5-part', paused: true })
    // Runs before a time do not count those of its own second.
    const [last] = cron.previousRuns(1, new Date(now.getTime() + 1_000))
    return { last, next: cron.nextRun(now) ?? undefined }
  } catch (cause) {
    throw new AppError('SPEC_INVALID', `${field}: ${explainError(cause)}`, { cause })
  }
}
