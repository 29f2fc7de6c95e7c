import { Cron } from 'croner'
import { AppError, explainError } from '../lib/errors.ts'

/** When something happens again and again: five fields of cron in a time zone. */
export interface CronSchedule {
  readonly schedule: string
  readonly timeZone: string
}

/** The last two times of a schedule until now, and the next one. Throws SPEC_INVALID, naming `field`, for what cron or the time zones do not know. */
export const cronTimes = (
  { schedule, timeZone }: CronSchedule,
  now: Date,
  field: string,
): { readonly beforeLast: Date | undefined; readonly last: Date | undefined; readonly next: Date | undefined } => {
  try {
    // Five fields: a schedule by the second would be one thing after the other.
    const cron = new Cron(schedule, { timezone: timeZone, mode: '5-part', paused: true })
    // Runs before a time do not count those of its own second.
    const [last, beforeLast] = cron.previousRuns(2, new Date(now.getTime() + 1_000))
    return { beforeLast, last, next: cron.nextRun(now) ?? undefined }
  } catch (cause) {
    throw new AppError('SPEC_INVALID', `${field}: ${explainError(cause)}`, { cause })
  }
}

/** More than there are minutes in an hour: times that are close within an hour are among them. */
const countedRuns = 62
/** Any day of a month with 31, of a leap year: it is always the same one, so that the answer is. */
const countedFrom = new Date('2024-01-01T00:00:00Z')
const gaps = new Map<string, number>()
const gapsKept = 1_000

/** The shortest pause between two times of a schedule, ms. Of a schedule that `cronTimes` takes. */
export const shortestPauseMs = ({ schedule, timeZone }: CronSchedule): number => {
  const key = `${timeZone} ${schedule}`
  const known = gaps.get(key)
  if (known !== undefined) return known
  const runs = new Cron(schedule, { timezone: timeZone, mode: '5-part', paused: true }).nextRuns(countedRuns, countedFrom)
  const pauses = runs.slice(1).map((run, index) => run.getTime() - (runs[index]?.getTime() ?? 0))
  const shortest = Math.min(...pauses, Number.POSITIVE_INFINITY)
  if (gaps.size >= gapsKept) gaps.clear()
  gaps.set(key, shortest)
  return shortest
}
