import { AppError } from '../lib/errors.ts'
import type { Check } from './check.ts'

/** The checks to run, by their IDs. Throws CONFIG_INVALID for an ID that no check has: a typing error must not look like a pass. */
export const chooseChecks = (
  checks: readonly Check[],
  { only = [], skip = [] }: { readonly only?: readonly string[] | undefined; readonly skip?: readonly string[] | undefined },
): readonly Check[] => {
  const ids = new Set(checks.map(({ id }) => id))
  const unknown = [...only, ...skip].filter((id) => !ids.has(id))
  if (unknown.length > 0)
    throw new AppError('CONFIG_INVALID', `there is no check ${unknown.join(', ')}: berth isolation checks lists all`, {})
  const chosen = checks.filter(({ id }) => (only.length === 0 || only.includes(id)) && !skip.includes(id))
  if (chosen.length === 0) throw new AppError('CONFIG_INVALID', 'no check is left: --skip takes away all that --only names', {})
  return chosen
}
