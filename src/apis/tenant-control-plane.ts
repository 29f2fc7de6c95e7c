import { z } from 'zod'
import type { Condition } from './conditions.ts'
import type { KubeObject } from './kube-object.ts'

/** Kubernetes versions a tenant may run, newest first. `controlplane/versions.ts` has a record for each; a test keeps both lists equal. */
export const kubernetesVersions = ['v1.37.1', 'v1.36.3'] as const

const cidr = z
  .string()
  .max(49)
  .meta({
    description: 'A CIDR, for example 10.96.4.0/24',
    'x-kubernetes-validations': [
      {
        rule: 'isCIDR(self) && cidr(self).masked() == cidr(self)',
        message: 'must be a CIDR whose host bits are zero, for example 10.96.4.0/24',
      },
    ],
  })

const quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|[EPTGMK]i?|k)?$/)

const resources = z.object({ cpu: quantity.optional(), memory: quantity.optional() })

/** Sizes of a control plane: requests and limits of its pods. */
export const controlPlaneSizes = ['small', 'medium', 'large'] as const

export const tenantControlPlaneSpec = z.object({
  version: z.enum(kubernetesVersions).default(kubernetesVersions[0]).describe('Kubernetes version of the tenant'),
  size: z.enum(controlPlaneSizes).default('small').describe('Requests and limits of the control-plane pods'),
  apiServer: z
    .object({
      replicas: z.int().min(1).max(5).default(1),
      extraSANs: z
        .array(z.string().min(1).max(253))
        .max(20)
        .default([])
        .describe('More names or addresses the API server certificate is valid for'),
      resources: resources.optional(),
    })
    .prefault({}),
  controllerManager: z.object({ replicas: z.int().min(1).max(3).default(1), resources: resources.optional() }).prefault({}),
  dataStore: z
    .object({
      kind: z.enum(['dedicated']).default('dedicated').describe('dedicated: an etcd of its own'),
      replicas: z
        .int()
        .default(1)
        .describe('etcd members: 1 or 3')
        .meta({
          'x-kubernetes-validations': [
            { rule: 'self == 1 || self == 3', message: 'etcd needs an odd number of members: 1 or 3' },
          ],
        }),
      storageClassName: z
        .string()
        .min(1)
        .max(253)
        .optional()
        .describe('Default: the cluster default class; without any class the data lies in an emptyDir'),
      storageSize: quantity.default('2Gi'),
    })
    .prefault({})
    .meta({
      'x-kubernetes-validations': [
        { rule: 'self.storageSize == oldSelf.storageSize', message: 'storageSize cannot be changed' },
        {
          rule: 'has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)',
          message: 'storageClassName cannot be changed',
        },
      ],
    }),
  network: z
    .object({
      serviceSlice: cidr
        .optional()
        .describe("The part of the super's Service range that the tenant allocates from; default: Berth picks a free /24"),
      clusterDomain: z
        .string()
        .max(63)
        .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/)
        .default('cluster.local'),
    })
    .prefault({})
    .meta({
      'x-kubernetes-validations': [
        {
          rule: 'has(self.serviceSlice) == has(oldSelf.serviceSlice) && (!has(self.serviceSlice) || self.serviceSlice == oldSelf.serviceSlice)',
          message: 'serviceSlice cannot be changed',
        },
        { rule: 'self.clusterDomain == oldSelf.clusterDomain', message: 'clusterDomain cannot be changed' },
      ],
    }),
  sync: z
    .object({
      nodeSelector: z
        .record(z.string().max(317), z.string().max(63))
        .optional()
        .describe('Super nodes the tenant sees before it has pods there; {} is all'),
    })
    .prefault({}),
  isolation: z
    .object({
      podSecurity: z
        .enum(['privileged', 'baseline', 'restricted'])
        .default('baseline')
        .describe('Pod Security level that super enforces on the pods of the tenant'),
    })
    .prefault({}),
})

export type TenantControlPlaneSpec = z.output<typeof tenantControlPlaneSpec>

export interface TenantControlPlaneStatus {
  observedGeneration?: number
  /** Kubernetes version that is running. */
  version?: string
  /** URL of the tenant's API server, as in the published kubeconfig. */
  endpoint?: string
  /** Recorded once, never changed: the tenant's part of the super's Service range. */
  serviceSlice?: string
  controlPlaneNamespace?: string
  kubeconfigSecret?: string
  conditions?: Condition[]
  /** Seconds from creation until each condition was first true, by condition type. */
  timings?: Record<string, number>
}

export interface TenantControlPlane extends KubeObject {
  spec: TenantControlPlaneSpec
  status?: TenantControlPlaneStatus
}
