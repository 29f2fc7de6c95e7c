import { z } from 'zod'
import { s3Storage } from './snapshot-storage.ts'

/** Where a task finds its order, and the folders that it works in. */
export const taskFiles = {
  order: '/etc/berth/task/task.json',
  /** Room for one snapshot, as large as a data store may be. */
  work: '/var/lib/berth-work',
  data: '/var/lib/etcd',
  result: '/dev/termination-log',
} as const

/** Exit code of a step that would fail again however often it is tried. */
export const hopelessExitCode = 3

/** What a bucket is opened with. */
export const s3Access = s3Storage.omit({ secretName: true }).extend({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  sessionToken: z.string().optional(),
  ca: z.string().optional(),
})

/** First line of what is packed: what the rest is. */
export const snapshotHeader = z.object({
  format: z.literal('berth-snapshot/1'),
  tenant: z.object({ uid: z.string(), name: z.string(), namespace: z.string() }),
  /** Of Kubernetes. */
  version: z.string(),
  createdAt: z.string(),
})

/** Orders of the pods that save and load snapshots; in a Secret, as they hold keys. */
export const snapshotTask = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('save'),
    etcd: z.object({ server: z.string(), ca: z.string(), clientCert: z.string(), clientKey: z.string(), serverName: z.string() }),
    storage: s3Access,
    key: z.string(),
    header: snapshotHeader,
    recipients: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('load'),
    storage: s3Access,
    key: z.string(),
    sha256: z.string(),
    /** Private key of age, where the snapshot is encrypted. */
    identity: z.string().optional(),
  }),
])

/** What a save has to say when it is done. */
export const saveResult = z.object({ sizeBytes: z.int(), sha256: z.string(), revision: z.string() })

export type S3Access = z.output<typeof s3Access>
export type SnapshotHeader = z.output<typeof snapshotHeader>
export type SnapshotTask = z.output<typeof snapshotTask>
export type SaveResult = z.output<typeof saveResult>
