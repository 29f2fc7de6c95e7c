import type { UpgradeSpec } from '../../apis/upgrade.ts'
import { cronTimes } from '../cron-times.ts'

/** Why an upgrade does not begin now; undefined: it may. Throws SPEC_INVALID for a schedule that cron does not know. */
export const closedWindow = ({ window }: Pick<UpgradeSpec, 'window'>, now: Date): string | undefined => {
  if (!window) return undefined
  const { last, next } = cronTimes(window, now, 'spec.upgrade.window.schedule')
  if (last !== undefined && now.getTime() < last.getTime() + window.durationMinutes * 60_000) return undefined
  return next === undefined ? 'its window never opens again' : `waits for its window, which opens at ${next.toISOString()}`
}
