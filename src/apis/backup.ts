import { z } from 'zod'
import { cronFields, timeZone } from './cron-schedule.ts'
import { identitySecretName, requestedAt, snapshotRecipients, snapshotStorage } from './snapshot-storage.ts'

/** When snapshots of a tenant are taken, and where they lie. */
export const backupSpec = z
  .object({
    schedule: cronFields
      .optional()
      .describe('When snapshots are taken, in the five fields of cron, for example 0 3 * * *; unset: never by itself'),
    timeZone,
    keep: z
      .int()
      .min(1)
      .max(1000)
      .default(7)
      .describe('How many complete snapshots of the schedule are kept; older ones are deleted with what they store'),
    storage: snapshotStorage.optional().describe('Where snapshots of the schedule lie'),
    recipients: snapshotRecipients,
    drill: z
      .object({
        schedule: cronFields
          .optional()
          .describe(
            'When the newest complete snapshot is drilled, in the five fields of cron and the time zone above; unset: never by itself',
          ),
        identitySecretName,
      })
      .optional()
      .describe('Restore drills by schedule. The condition BackupProven says how the last one ended'),
  })
  .prefault({})

/** One restore in place. */
export const restoreSpec = z
  .object({
    snapshotName: z
      .string()
      .min(1)
      .max(253)
      .describe('ControlPlaneSnapshot of the same namespace whose data take the place of those of the tenant'),
    requestedAt,
    identitySecretName,
  })
  .optional()
  .describe('Asks for one restore in place. It is done once; the answer is in status.restore')
