import { z } from 'zod'
import { conditionSchema } from './condition-schema.ts'
import type { KubeObject } from './kube-object.ts'
import { identitySecretName, requestedAt, snapshotRecipients, snapshotStorage } from './snapshot-storage.ts'
import { maxTenantNameLength } from './tenant-control-plane.ts'

/** What a ControlPlaneSnapshot asks for. Nothing of it but `deletionPolicy` can be changed. */
export const controlPlaneSnapshotSpec = z
  .object({
    tenantName: z
      .string()
      .min(1)
      .max(maxTenantNameLength)
      .describe('Name of the TenantControlPlane, in the same namespace, whose data are saved'),
    storage: snapshotStorage,
    recipients: snapshotRecipients,
    drill: z
      .object({
        requestedAt,
        identitySecretName,
      })
      .optional()
      .describe(
        'Asks for one restore drill: an etcd and an API server are started on what is stored, in a pod of their own, and all of it is read. The answer is in status.drill',
      ),
    deletionPolicy: z
      .enum(['Delete', 'Retain'])
      .default('Delete')
      .describe('Delete: what is stored goes with this object. Retain: it stays'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self.tenantName == oldSelf.tenantName && self.storage == oldSelf.storage && self.recipients == oldSelf.recipients',
        message: 'a snapshot cannot be changed, but for its deletionPolicy and drill: make another one',
      },
    ],
  })

/** What the manager says of a snapshot. */
export const controlPlaneSnapshotStatus = z.object({
  phase: z.enum(['Pending', 'Running', 'Complete', 'Failed']).optional(),
  conditions: z
    .array(conditionSchema)
    .max(8)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  location: z.string().max(2048).optional().describe('Where it lies: s3://bucket/key'),
  key: z.string().max(1024).optional().describe('Name of the stored object in its bucket'),
  sizeBytes: z.int().min(0).optional().describe('Size of what is stored'),
  sha256: z.string().max(64).optional().describe('Checksum of what is stored, in hex'),
  encrypted: z.boolean().optional(),
  revision: z.string().max(20).optional().describe("Revision of the tenant's etcd that was saved, or an earlier one"),
  tenantUid: z.string().max(64).optional(),
  version: z.string().max(32).optional().describe('Kubernetes version that the tenant ran'),
  drill: z
    .object({
      request: z.string().max(64).describe('Stands for what spec.drill asked for'),
      result: z.enum(['Running', 'Passed', 'Failed']),
      message: z.string().max(8192),
      startedAt: z.string().max(64).meta({ format: 'date-time' }),
      checkedAt: z.string().max(64).meta({ format: 'date-time' }).optional(),
      seconds: z.int().min(0).optional().describe('From the beginning until all was read'),
      objects: z.int().min(0).optional().describe('Objects that an API server listed'),
      kinds: z.int().min(0).optional(),
      secrets: z.int().min(0).optional().describe('Secrets that were decrypted'),
    })
    .optional()
    .describe('How the restore drill stands that spec.drill asks for'),
  startedAt: z.string().max(64).optional().meta({ format: 'date-time' }),
  completedAt: z.string().max(64).optional().meta({ format: 'date-time' }),
})

export type DrillStatus = NonNullable<z.output<typeof controlPlaneSnapshotStatus>['drill']>
export type ControlPlaneSnapshotSpec = z.output<typeof controlPlaneSnapshotSpec>
export type ControlPlaneSnapshotStatus = z.output<typeof controlPlaneSnapshotStatus>

/** One backup of a tenant's data. */
export interface ControlPlaneSnapshot extends KubeObject {
  spec: ControlPlaneSnapshotSpec
  status?: ControlPlaneSnapshotStatus
}
