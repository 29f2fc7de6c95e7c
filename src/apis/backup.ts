import { z } from 'zod'
import { snapshotRecipients, snapshotStorage } from './snapshot-storage.ts'

/** When snapshots of a tenant are taken, and where they lie. */
export const backupSpec = z
  .object({
    schedule: z
      .string()
      .min(1)
      .max(128)
      .regex(/^\S+( \S+){4}$/)
      .optional()
      .describe('When snapshots are taken, in the five fields of cron, for example 0 3 * * *; unset: never by itself'),
    timeZone: z.string().min(1).max(64).default('UTC').describe('Time zone of the schedule, for example Europe/Berlin'),
    keep: z
      .int()
      .min(1)
      .max(1000)
      .default(7)
      .describe('How many complete snapshots of the schedule are kept; older ones are deleted with what they store'),
    storage: snapshotStorage.optional().describe('Where snapshots of the schedule lie'),
    recipients: snapshotRecipients,
  })
  .prefault({})
  .meta({
    'x-kubernetes-validations': [
      { rule: '!has(self.schedule) || has(self.storage)', message: 'a schedule needs a storage', fieldPath: '.storage' },
    ],
  })

/** One restore in place. */
export const restoreSpec = z
  .object({
    snapshotName: z
      .string()
      .min(1)
      .max(253)
      .describe('ControlPlaneSnapshot of the same namespace whose data take the place of those of the tenant'),
    requestedAt: z.string().max(64).meta({ format: 'date-time' }).optional().describe('Another time asks for it once more'),
    identitySecretName: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe('Secret of the same namespace with the private key of age under `identity`, for a snapshot that is encrypted'),
  })
  .optional()
  .describe('Asks for one restore in place. It is done once; the answer is in status.restore')
