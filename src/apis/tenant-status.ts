import { z } from 'zod'
import { conditionSchema } from './condition-schema.ts'
import type { Condition } from './conditions.ts'
import { dataStoreRecord, storeMove } from './store-move.ts'
import { upgradeStatus } from './upgrade.ts'

/** An object whose fields are not looked at here. */
const anything = z.looseObject({}).meta({ 'x-kubernetes-preserve-unknown-fields': true })

/** By names of a ResourceQuota. */
const quantities = z.record(z.string().max(317), z.string().max(64))

/** What the manager writes about a TenantControlPlane. */
export const tenantControlPlaneStatus = z.object({
  observedGeneration: z.int().min(0).optional().describe('Generation of the spec that this status is about'),
  version: z.string().max(32).optional().describe('Kubernetes version that is running'),
  endpoint: z.string().max(2048).optional().describe("URL of the tenant's API server, as in the published kubeconfig"),
  serviceSlice: z
    .string()
    .max(49)
    .optional()
    .describe("The tenant's part of the super's IPv4 Service range: recorded once, never changed"),
  serviceSlices: z
    .array(z.string().max(49))
    .max(128)
    .optional()
    .describe(
      'All parts of the Service range that the tenant has, the first one included. An IPv6 one is among them where super has both families; there are more of them as the tenant needs more',
    ),
  superCluster: z
    .object({
      uid: z.string().max(64).describe('UID of its namespace kube-system'),
      isApart: z.boolean().describe('Whether it is another cluster than the one with this object'),
    })
    .optional()
    .describe("The super cluster, whose nodes run the tenant's pods: recorded once, never changed"),
  controlPlaneNamespace: z.string().max(63).optional().describe("Namespace of the tenant's control-plane pods and keys"),
  kubeconfigSecret: z.string().max(253).optional().describe('Secret with the kubeconfig, in the namespace of this object'),
  restore: z
    .object({
      request: z.string().max(64).describe('Stands for what spec.restore asked for'),
      answered: z
        .string()
        .max(64)
        .optional()
        .describe('What spec.restore had asked for, and got, before an upgrade asked for this one'),
      id: z.string().max(64).describe('Another one for each restore'),
      snapshotName: z.string().max(253),
      phase: z.enum(['Stopping', 'Loading', 'Swapping', 'Starting', 'Done', 'Failed']),
      message: z.string().max(8192),
      startedAt: z.string().max(64).meta({ format: 'date-time' }),
      loadedAt: z.string().max(64).meta({ format: 'date-time' }).optional(),
      completedAt: z.string().max(64).meta({ format: 'date-time' }).optional(),
    })
    .optional()
    .describe('How the restore stands that spec.restore asks for'),
  class: z
    .object({
      name: z.string().max(63),
      revision: z.string().max(253).optional().describe('ControllerRevision of the class, in berth-system; unset: none yet'),
      defaults: anything.describe('What the class fills in at this revision'),
      sizes: anything.optional().describe('What the sizes mean at this revision'),
      spec: anything.describe(
        'The whole spec that is in force: what the tenant says, then what the class says, within its limits',
      ),
    })
    .optional()
    .describe('Of a tenant with a class'),
  restored: z
    .object({
      id: z.string().max(64),
      snapshotName: z.string().max(253),
      at: z.string().max(64).meta({ format: 'date-time' }),
    })
    .optional()
    .describe('The last restore that was carried out: the syncer follows it when somebody has said so'),
  upgrade: upgradeStatus.optional().describe('How the last change of spec.version stands'),
  backup: z
    .object({
      lastDrill: z
        .object({
          snapshotName: z.string().max(253),
          takenAt: z.string().max(64).meta({ format: 'date-time' }).describe('When that snapshot was taken'),
          result: z.enum(['Passed', 'Failed']),
          message: z.string().max(8192),
          startedAt: z.string().max(64).meta({ format: 'date-time' }),
          checkedAt: z.string().max(64).meta({ format: 'date-time' }),
        })
        .optional()
        .describe('The last drill that ended, of the newest snapshot that was drilled'),
    })
    .optional()
    .describe('Of a tenant with drills by schedule'),
  dataStore: dataStoreRecord
    .optional()
    .describe('Where the data of the tenant are now. spec.dataStore says where they are to be'),
  move: storeMove.optional().describe('How the move to the data store of the spec stands, or how the last one ended'),
  quota: z
    .object({
      hard: quantities.describe('The limits that are in force'),
      used: quantities.describe('What counts against each of them in super; at most some tens of seconds old'),
      fullest: z.string().max(512).describe('The limit that is nearest, with how much of it is used'),
    })
    .optional()
    .describe('Of a tenant with limits over all its namespaces (`spec.isolation.quota.hard`)'),
  conditions: z
    .array(conditionSchema)
    .max(32)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
  timings: z
    .record(z.string().max(64), z.number())
    .optional()
    .describe('Seconds from creation until each condition was first true, by condition type'),
})

export type LastDrill = NonNullable<NonNullable<z.output<typeof tenantControlPlaneStatus>['backup']>['lastDrill']>

export type RestoreStatus = NonNullable<z.output<typeof tenantControlPlaneStatus>['restore']>

export type TenantControlPlaneStatus = Omit<z.output<typeof tenantControlPlaneStatus>, 'conditions'> & {
  conditions?: Condition[]
}
