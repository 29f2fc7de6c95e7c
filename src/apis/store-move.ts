import { z } from 'zod'

/** A data store, as far as it takes to find it again. */
export const dataStoreRecord = z.object({
  kind: z.enum(['dedicated', 'shared', 'external']),
  name: z.string().max(253).optional(),
  endpoints: z.array(z.string().max(300)).max(9).optional(),
  secretName: z.string().max(253).optional(),
  prefix: z.string().max(253).optional(),
  storageClassName: z.string().max(253).optional(),
  storageSize: z.string().max(64).optional(),
})

export const storeMove = z.object({
  id: z.string().max(64).describe('Another one for each move'),
  from: dataStoreRecord,
  to: dataStoreRecord,
  phase: z.enum([
    'Checking',
    'Preparing',
    'Stopping',
    'Copying',
    'Verifying',
    'Starting',
    'Cleaning',
    'Undoing',
    'Done',
    'Failed',
  ]),
  message: z.string().max(8192),
  isRefused: z.boolean().optional().describe('The checks have found why it cannot be; they are made again and again'),
  keepsSource: z
    .boolean()
    .optional()
    .describe('Nothing is removed from where the data were: they are the same keys of the same etcd, or there never were any'),
  revision: z.int().min(0).optional().describe('Revision of the source when it was checked'),
  startedAt: z.string().max(64).meta({ format: 'date-time' }),
  phaseAt: z.string().max(64).meta({ format: 'date-time' }).describe('Since when it is in this phase'),
  completedAt: z.string().max(64).meta({ format: 'date-time' }).optional(),
  keys: z.int().min(0).optional().describe('Keys that were found equal on both sides'),
  sha256: z.string().max(64).optional().describe('Of those keys, without their prefix, and their values, in order'),
})

export type DataStoreRecord = z.output<typeof dataStoreRecord>
export type StoreMove = z.output<typeof storeMove>
