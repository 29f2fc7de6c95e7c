import { z } from 'zod'

/** The five fields of cron, as text: what cron makes of them is judged where they are used. */
export const cronFields = z
  .string()
  .min(1)
  .max(128)
  .regex(/^\S+( \S+){4}$/)

/** In which time zone they are meant. */
export const timeZone = z.string().min(1).max(64).default('UTC').describe('Time zone of the schedule, for example Europe/Berlin')
