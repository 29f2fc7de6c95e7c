import { z } from 'zod'
import { cronFields, timeZone } from './cron-schedule.ts'

/** What is looked at before an upgrade begins. */
export const upgradeChecks = ['Ready', 'RemovedAPIs', 'Webhooks', 'DataStore', 'Requests'] as const

export type UpgradeCheck = (typeof upgradeChecks)[number]

/** How a tenant goes from one version of Kubernetes to the next. */
export const upgradeSpec = z
  .object({
    window: z
      .object({
        schedule: cronFields.describe('When the window opens, in the five fields of cron, for example 0 2 * * 6'),
        timeZone,
        durationMinutes: z.int().min(1).max(10_080).default(120).describe('How long it is open'),
      })
      .optional()
      .describe('Upgrades begin only while it is open; unset: at any time. One that has begun goes on'),
    timeoutSeconds: z
      .int()
      .min(60)
      .max(7200)
      .default(600)
      .describe(
        'How long the new version has, from its first pod on, until it answers all requests of the gate. After that all goes back',
      ),
    snapshot: z
      .enum(['Required', 'WhenPossible', 'Never'])
      .default('WhenPossible')
      .describe(
        'Whether the data are saved first, to spec.backup.storage, so that there is a way back for them too. WhenPossible: when there is such a storage',
      ),
    skipChecks: z
      .array(z.enum(upgradeChecks))
      .max(upgradeChecks.length)
      .default([])
      .describe('Checks that do not keep an upgrade from beginning'),
    requestedAt: z
      .string()
      .max(64)
      .meta({ format: 'date-time' })
      .optional()
      .describe('Another time tries an upgrade once more that has failed'),
  })
  .prefault({})

const time = z.string().max(64).meta({ format: 'date-time' })

/** How the last upgrade stands. */
export const upgradeStatus = z.object({
  from: z.string().max(32),
  to: z.string().max(32),
  request: z.string().max(64).describe('Stands for what the spec asked for'),
  phase: z
    .enum(['Waiting', 'Blocked', 'Saving', 'RollingOut', 'Verifying', 'GoingBack', 'RestoringData', 'Done', 'Failed'])
    .describe(
      'Waiting: for the window, or for the tenant. Blocked: a check found something that a person has to mend. GoingBack: the version before takes its place again',
    ),
  message: z.string().max(8192),
  failure: z.string().max(8192).optional().describe('Why it goes, or went, back'),
  startedAt: time,
  checkedAt: time.optional().describe('When the checks were made last'),
  snapshotName: z.string().max(253).optional().describe('ControlPlaneSnapshot with the data as they were before'),
  rolledAt: time.optional().describe('When the new version, or the one before again, began to be rolled out'),
  failingSince: time.optional(),
  passingSince: time.optional(),
  completedAt: time.optional(),
})

export type UpgradeSpec = z.output<typeof upgradeSpec>
export type UpgradeStatus = z.output<typeof upgradeStatus>
