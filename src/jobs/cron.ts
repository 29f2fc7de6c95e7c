import { Cron } from 'croner'
import { AppError, explainError } from '../lib/errors.ts'

export interface CronTimes {
  /** Five fields. */
  readonly cron: string
  readonly timeZone: string
}

/** The first time of a schedule after `after`; undefined when there is none. Throws SPEC_INVALID for what cron or the time zones do not know. */
export const nextTime = ({ cron, timeZone }: CronTimes, after: Date): Date | undefined => {
  try {
    return new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true }).nextRun(after) ?? undefined
  } catch (cause) {
    throw new AppError('SPEC_INVALID', `schedule "${cron}" in ${timeZone}: ${explainError(cause)}`, { cause })
  }
}
