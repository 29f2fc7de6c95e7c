import { z } from 'zod'
import { backupSpec } from './backup.ts'
import { conditionSchema } from './condition-schema.ts'
import { dataStoreSpec } from './data-store-spec.ts'
import { podSecurityLevels } from './isolation.ts'
import type { KubeObject } from './kube-object.ts'
import { quantity } from './quantity.ts'
import { controlPlaneSizes, kubernetesVersions, tenantControlPlaneSpec } from './tenant-control-plane.ts'
import { upgradeSpec } from './upgrade.ts'

const tenant = tenantControlPlaneSpec.shape
const replicated = { replicas: true, resources: true, extraArgs: true } as const

/** What a plan says for tenants that do not say it themselves: parts of a tenant's own spec, by the same names. */
const defaults = z.object({
  version: z
    .enum(kubernetesVersions)
    .optional()
    .describe('A tenant that runs a newer one keeps it. Unset: what the tenant runs; the newest for a new one'),
  size: z.enum(controlPlaneSizes).optional(),
  apiServer: tenant.apiServer.unwrap().pick(replicated).optional(),
  controllerManager: tenant.controllerManager.unwrap().pick(replicated).optional(),
  dataStore: dataStoreSpec
    .unwrap()
    .pick({ kind: true, name: true, replicas: true, storageClassName: true, storageSize: true })
    .optional()
    .describe('All but `replicas` is for new tenants only: their data stay where they are')
    .meta({
      'x-kubernetes-validations': [
        {
          rule: "has(self.name) == (has(self.kind) && self.kind == 'shared')",
          message: 'name goes with kind shared, which needs it',
          fieldPath: '.name',
        },
        {
          rule: "!has(self.kind) || self.kind != 'external'",
          message: 'an external data store is for one tenant: its own spec names it',
          fieldPath: '.kind',
        },
      ],
    }),
  network: tenant.network
    .unwrap()
    .pick({ maxServiceSlices: true, clusterDomain: true })
    .optional()
    .describe('`clusterDomain` is for new tenants only'),
  sync: tenant.sync.unwrap().optional(),
  backup: backupSpec.unwrap().optional().describe('Secrets that `storage` names are in the namespace of each tenant'),
  upgrade: upgradeSpec.unwrap().pick({ window: true, timeoutSeconds: true, snapshot: true }).optional(),
  isolation: tenant.isolation.unwrap().optional(),
})

const most = (what: string, max: number) => z.int().min(1).max(max).optional().describe(`Most ${what}`)

/** What a tenant of the class may say in its spec. */
const limits = z.object({
  versions: z.array(z.enum(kubernetesVersions)).min(1).max(20).optional().describe('Versions that tenants may run; unset: all'),
  sizes: z.array(z.enum(controlPlaneSizes)).min(1).max(3).optional().describe('Unset: all'),
  maxApiServerReplicas: most('API servers', 5),
  maxControllerManagerReplicas: most('controller managers', 3),
  maxDataStoreReplicas: most('members of an etcd of its own', 3),
  maxStorageSize: quantity.optional().describe('Largest disk of a member of an etcd of its own'),
  maxServiceSlices: most('slices of each address family', 64),
  dataStoreKinds: z
    .array(z.enum(['dedicated', 'shared', 'external']))
    .min(1)
    .max(3)
    .optional()
    .describe('Unset: all'),
  dataStoreNames: z
    .array(z.string().min(1).max(253))
    .max(100)
    .optional()
    .describe('DataStores that tenants may be on; unset: all'),
  exposureTypes: z
    .array(z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']))
    .min(1)
    .max(3)
    .optional()
    .describe('Ways in from outside; unset: all'),
  minPodSecurity: z.enum(podSecurityLevels).optional().describe('Least strict level'),
  allowExtraArgs: z.boolean().optional().describe('false: tenants set no flags of their own'),
  allowResources: z.boolean().optional().describe('false: tenants ask for no resources beside those of their size'),
})

const containerSize = z
  .object({
    requests: z.object({ cpu: quantity.optional(), memory: quantity.optional() }).optional(),
    limits: z
      .object({
        cpu: quantity
          .optional()
          .describe(
            'Unset: none. An API server that is held to less than a core starts and answers later, and takes nothing from others when machines are full',
          ),
        memory: quantity.optional(),
      })
      .optional(),
  })
  .optional()
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '!has(self.requests) || !has(self.requests.cpu) || !has(self.limits) || !has(self.limits.cpu) || quantity(self.requests.cpu).compareTo(quantity(self.limits.cpu)) <= 0',
        message: 'the CPU that is requested cannot be more than the limit',
        fieldPath: '.limits',
      },
      {
        rule: '!has(self.requests) || !has(self.requests.memory) || !has(self.limits) || !has(self.limits.memory) || quantity(self.requests.memory).compareTo(quantity(self.limits.memory)) <= 0',
        message: 'the memory that is requested cannot be more than the limit',
        fieldPath: '.limits',
      },
    ],
  })

const planeSize = z.object({
  etcd: containerSize,
  kubeApiServer: containerSize,
  kubeControllerManager: containerSize,
  coreDNSReplicas: z.int().min(1).max(5).optional(),
})

const wave = z.object({
  name: z.string().min(1).max(63),
  selector: z
    .record(z.string().max(317), z.string().max(63))
    .meta({ maxProperties: 16 })
    .describe('Labels of the TenantControlPlanes of the wave; {} is all'),
})

const rollout = z.object({
  maxConcurrent: z.int().min(1).max(100).default(1).describe('Tenants that are changed at once; default: 1'),
  paused: z.boolean().default(false).describe('No more tenants are changed; new ones take the newest revision all the same'),
  waves: z
    .array(wave)
    .max(20)
    .default([])
    .describe('Who is changed first: a wave begins when all of those before are ready. Tenants in none of them come last'),
  progressDeadlineSeconds: z
    .int()
    .min(30)
    .max(86_400)
    .default(600)
    .describe('A tenant that was changed and is not ready after that has failed; default: 600'),
})

export const tenantClassSpec = z.object({
  defaults: defaults.optional().describe('What holds for tenants whose own spec does not say it. A change is rolled out'),
  limits: limits
    .optional()
    .describe('What is beyond is refused, and starts nothing anew: what a tenant runs already goes on, and is told'),
  sizes: z
    .object({ small: planeSize.optional(), medium: planeSize.optional(), large: planeSize.optional() })
    .optional()
    .describe("What the sizes mean; what is not said here is Berth's own. A change is rolled out"),
  rollout: rollout.prefault({}).describe('How a change of `defaults` and `sizes` comes to the tenants there are'),
  revisionHistoryLimit: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('Revisions kept beside those that tenants are at; default: 10'),
})

const count = z.int().min(0).optional()

/** What the class controller writes about a TenantClass. */
export const tenantClassStatus = z.object({
  observedGeneration: count,
  tenants: count.describe('Tenants that name the class'),
  updatedTenants: count.describe('Those at the newest revision'),
  readyTenants: count.describe('Those at the newest revision that are ready'),
  failedTenants: count.describe('Those that a change has failed at'),
  currentRevision: z.string().max(253).optional().describe('The last revision that all tenants were ready at'),
  updatedRevision: z.string().max(253).optional().describe('The newest one'),
  conditions: z
    .array(conditionSchema)
    .max(8)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] }),
})

/** Of the TenantControlPlane's spec, as somebody wrote it. */
export type ClassDefaults = z.input<typeof defaults>
export type ClassLimits = z.output<typeof limits>
export type ClassSizes = NonNullable<z.output<typeof tenantClassSpec>['sizes']>
export type ClassRollout = z.output<typeof rollout>
export type TenantClassStatus = z.output<typeof tenantClassStatus>

/** A plan: defaults and limits of the tenants that name it. */
export interface TenantClass extends KubeObject {
  spec: Omit<z.output<typeof tenantClassSpec>, 'defaults'> & { defaults?: ClassDefaults }
  status?: TenantClassStatus
}
