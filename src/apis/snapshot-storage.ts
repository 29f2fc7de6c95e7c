import { z } from 'zod'

const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)

/** A bucket of a store that speaks the S3 protocol. */
export const s3Storage = z.object({
  endpoint: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^https?:\/\/[^/?#@]+$/)
    .describe('URL of the store without a path, for example https://s3.example.com'),
  bucket: z
    .string()
    .min(3)
    .max(63)
    .regex(/^[a-z0-9][a-z0-9.-]*[a-z0-9]$/),
  region: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9-]+$/)
    .default('us-east-1'),
  prefix: z
    .string()
    .max(512)
    .regex(/^([A-Za-z0-9][A-Za-z0-9!_.*'()-]*\/)*$/)
    .default('')
    .describe('What the names of all objects begin with, for example berth/prod/'),
  secretName: objectName.describe(
    'Secret in the same namespace with `accessKeyId`, `secretAccessKey` and, where they are needed, `sessionToken` and `ca.crt`',
  ),
  forcePathStyle: z.boolean().default(true).describe('The bucket is a part of the path, not of the host name'),
})

/** Where snapshots lie. */
export const snapshotStorage = z.object({
  kind: z.enum(['s3']).default('s3'),
  s3: s3Storage,
})

/** Who opens a snapshot that is encrypted. */
export const identitySecretName = z
  .string()
  .min(1)
  .max(253)
  .optional()
  .describe('Secret of the same namespace with the private key of age under `identity`, for a snapshot that is encrypted')

/** What is done once for each value of it. */
export const requestedAt = z
  .string()
  .max(64)
  .meta({ format: 'date-time' })
  .optional()
  .describe('Another time asks for it once more')

/** Public keys of age (age-encryption.org): with any one of the private keys a snapshot can be read. */
export const snapshotRecipients = z
  .array(
    z
      .string()
      .min(1)
      .max(4096)
      .regex(/^age1[a-z0-9]+$/),
  )
  .max(8)
  .default([])
  .describe(
    'Public keys of age that snapshots are encrypted to; none: they are not encrypted. The private key need not be in any cluster until a snapshot is restored',
  )

export type S3Storage = z.output<typeof s3Storage>
export type SnapshotStorage = z.output<typeof snapshotStorage>
