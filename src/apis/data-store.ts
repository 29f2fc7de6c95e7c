import { z } from 'zod'
import { conditionSchema } from './condition-schema.ts'
import type { KubeObject } from './kube-object.ts'
import { storeEndpoints } from './store-endpoint.ts'

export const dataStoreSpec = z.object({
  endpoints: storeEndpoints.describe('URLs of the members of one etcd, which has auth enabled'),
  secretRef: z
    .object({
      name: z.string().min(1).max(253),
      namespace: z.string().min(1).max(63).default('berth-system'),
    })
    .describe(
      'Secret with `ca.crt` (whom to trust), `tls.crt` and `tls.key` (client certificate of the user root), and `ca.key` with `ca-signing.crt` (the authority that etcd believes clients by; without `ca-signing.crt`: `ca.crt`)',
    ),
})

const storeTenant = z.object({
  namespace: z.string().max(63),
  name: z.string().max(253),
  uid: z.string().max(63),
  keys: z.int().min(0).optional().describe('Keys when it was measured last'),
  sizeBytes: z.int().min(0).optional().describe('Bytes of its keys and values when it was measured last, without their history'),
  measuredAt: z.string().max(64).meta({ format: 'date-time' }).optional(),
})

/** What the manager writes about a DataStore. */
export const dataStoreStatus = z.object({
  observedGeneration: z.int().min(0).optional(),
  conditions: z
    .array(conditionSchema)
    .max(8)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  clusterID: z.string().max(32).optional().describe('Identity of the etcd: endpoints of another one are not taken'),
  endpoints: z.array(z.string().max(300)).max(9).optional().describe('Endpoints that answered as this etcd: what tenants use'),
  tenants: z.array(storeTenant).max(5000).optional().describe('Tenants whose data are here'),
  tenantCount: z.int().min(0).optional(),
  size: z.string().max(32).optional().describe('Size of the database file of the largest member'),
})

export type StoreTenant = z.output<typeof storeTenant>
export type DataStoreStatus = z.output<typeof dataStoreStatus>
export type DataStoreSpec = z.output<typeof dataStoreSpec>

/** An etcd that several tenants share. */
export interface DataStore extends KubeObject {
  spec: DataStoreSpec
  status?: DataStoreStatus
}
