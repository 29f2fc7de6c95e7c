import type { ZodError } from 'zod'

/** The fields that a schema does not know, and why, in one line for people. */
export const invalidFields = ({ issues }: Pick<ZodError, 'issues'>): string =>
  issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`).join('; ')
