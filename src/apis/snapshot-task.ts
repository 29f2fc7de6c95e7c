import { z } from 'zod'
import { s3Storage } from './snapshot-storage.ts'

/** Where a task finds its order, and the folders that it works in. */
export const taskFiles = {
  order: '/etc/berth/task/task.json',
  /** Room for one snapshot, as large as a data store may be. */
  work: '/var/lib/berth-work',
  data: '/var/lib/etcd',
  result: '/dev/termination-log',
  /** Of a drill: what is stored, by kind. */
  counts: '/var/lib/berth-work/counts.json',
} as const

/** Where the API server of a drill answers. */
export const drillServer = 'https://127.0.0.1:6443'
/** Where the etcd answers that runs beside the pod that changes its data. */
export const remapEtcd = 'http://127.0.0.1:2379'

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
  /** Its parts of the Service range, the first one first; snapshots from before there were clones do not say it. */
  slices: z.array(z.string()).optional(),
  /**
   * What the tenant encrypts and signs with: its Secrets by name. Only in what is encrypted as a whole. With it the data are of use when nothing else is left
   * of the tenant.
   */
  roots: z.record(z.string(), z.record(z.string(), z.string())).optional(),
})

/** What makes loaded data those of another tenant, or of one with another key. */
export const remapOrder = z.object({
  /** Undefined: of the same tenant. */
  slices: z.object({ from: z.array(z.string()), to: z.array(z.string()) }).optional(),
  /** What Secrets are encrypted with in etcd: 32 bytes in base64. */
  keys: z.object({ source: z.string(), own: z.string() }),
})

/** How the API server of a drill is come by, in the same pod. */
export const drillAccess = z.object({ ca: z.string(), clientCert: z.string(), clientKey: z.string() })

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
    remap: remapOrder.optional(),
    drill: drillAccess.optional(),
  }),
])

/** What a drill has to say. */
export const drillResult = z.object({
  objects: z.int(),
  kinds: z.int(),
  secrets: z.int(),
  /** What is not as it was saved; none: all of it can be read. */
  problems: z.array(z.string()),
})

/** What a save has to say when it is done. */
export const saveResult = z.object({ sizeBytes: z.int(), sha256: z.string(), revision: z.string() })

export type S3Access = z.output<typeof s3Access>
export type SnapshotHeader = z.output<typeof snapshotHeader>
export type SnapshotTask = z.output<typeof snapshotTask>
export type DrillResult = z.output<typeof drillResult>
export type LoadOrder = Extract<SnapshotTask, { kind: 'load' }>
export type RemapOrder = z.output<typeof remapOrder>
export type SaveResult = z.output<typeof saveResult>
