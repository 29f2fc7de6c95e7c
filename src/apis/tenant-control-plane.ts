import { z } from 'zod'
import { backupSpec, restoreSpec } from './backup.ts'
import { certificates } from './certificates.ts'
import { cloneSpec } from './clone.ts'
import {
  type ClosedFlags,
  closedApiServerFlags,
  closedControllerManagerFlags,
  closedFlagRules,
  maxExtraArgs,
} from './closed-flags.ts'
import { customKind } from './custom-kind.ts'
import { dataStoreSpec } from './data-store-spec.ts'
import { exposure } from './exposure.ts'
import { isolationSpec } from './isolation.ts'
import type { KubeObject } from './kube-object.ts'
import { quantity } from './quantity.ts'
import type { TenantControlPlaneStatus } from './tenant-status.ts'
import { upgradeSpec } from './upgrade.ts'

/** Most characters of a TenantControlPlane's name: names made of it keep it whole. */
export const maxTenantNameLength = 40

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
      {
        // The first and the tenth address are taken by the API server and DNS; 16 addresses leave room for a few Services.
        rule: '!isCIDR(self) || (cidr(self).ip().family() == 4 && cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 28)',
        message: 'must be IPv4 and between /16 and /28 (16 addresses, the smallest slice)',
      },
    ],
  })

const resources = z.object({ cpu: quantity.optional(), memory: quantity.optional() })

/** Flags of a binary beside those that Berth sets. A name that is none is refused by the manager. */
const extraArgs = (binary: string, closed: readonly ClosedFlags[]) =>
  z
    .record(z.string(), z.string().max(2048))
    .optional()
    .describe(`More flags of ${binary}, without dashes: name to value. A change rolls it once`)
    .meta({ maxProperties: maxExtraArgs, 'x-kubernetes-validations': closedFlagRules(closed) })

const className = z.string().min(1).max(253)

/** Which classes of one kind a tenant may use. */
const classRule = (which: string) =>
  z
    .object({
      allowed: z.array(className).max(100).optional().describe(`Names of ${which} the tenant may use`),
      selector: z
        .record(z.string().max(317), z.string().max(63))
        .optional()
        .describe(`Labels of ${which} the tenant may use, beside those that \`allowed\` names; {} is all`),
      names: z
        .record(className, className)
        .optional()
        .describe(
          `What ${which} are called in the tenant: name there to name in super. All other fields here have names of super. It allows nothing by itself`,
        )
        .meta({
          maxProperties: 32,
          'x-kubernetes-validations': [
            {
              rule: 'self.all(here, self.all(there, here == there || self[here] != self[there]))',
              message: 'each class of super has one name in the tenant',
            },
          ],
        }),
    })
    .optional()

const classRuleWithDefault = (which: string) =>
  classRule(which)
    .unwrap()
    .extend({ default: className.optional().describe('The default in the tenant, always allowed; unset: as in super') })
    .optional()

const runtimeClassRule = classRuleWithDefault('RuntimeClasses')
  .unwrap()
  .extend({ forced: className.optional().describe('The class of every pod, whatever it names; always allowed') })
  .optional()

/** Keys of labels or annotations; `*` at the end stands for all that begin so. */
const keyPatterns = z
  .array(
    z
      .string()
      .min(1)
      .max(317)
      .regex(/^[A-Za-z0-9._/-]+\*?$/),
  )
  .max(100)
  .default([])

/** Sizes of a control plane: requests and limits of its pods. */
export const controlPlaneSizes = ['small', 'medium', 'large'] as const

/** What a tenant can be asked to be. */
export const tenantStates = ['Running', 'Paused', 'Hibernated'] as const

export const tenantControlPlaneSpec = z.object({
  className: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe(
      'TenantClass that fills in what is not said here, and limits what may be. Another one may be named; it cannot be taken away',
    ),
  version: z
    .enum(kubernetesVersions)
    .default(kubernetesVersions[0])
    .describe(
      'Kubernetes version of the tenant. Moves forward only, one minor at a time; back only to the one before, until an upgrade is done. Unset: what its class says; without that, the newest when it is made, and what it runs from then on',
    ),
  state: z
    .enum(tenantStates)
    .default('Running')
    .describe(
      'Paused: the control plane is at zero and its data are kept; pods of the tenant go on running, but nothing of them can be changed. Hibernated: its pods are at zero as well; they start anew, each on its node, when it is Running again',
    ),
  size: z.enum(controlPlaneSizes).default('small').describe('Requests and limits of the control-plane pods'),
  apiServer: z
    .object({
      replicas: z.int().min(1).max(5).default(1),
      extraSANs: z
        .array(
          z
            .string()
            .min(1)
            .max(253)
            .regex(/^[A-Za-z0-9*][A-Za-z0-9.:-]*$/),
        )
        .max(20)
        .default([])
        .describe('More names or addresses the API server certificate is valid for'),
      resources: resources.optional(),
      exposure: exposure
        .optional()
        .describe(
          'The way in from outside of super: the published kubeconfig and the certificate follow, and nothing starts anew',
        ),
      extraArgs: extraArgs('kube-apiserver', closedApiServerFlags),
    })
    .prefault({}),
  controllerManager: z
    .object({
      replicas: z.int().min(1).max(3).default(1),
      resources: resources.optional(),
      extraArgs: extraArgs('kube-controller-manager', closedControllerManagerFlags),
    })
    .prefault({}),
  dataStore: dataStoreSpec,
  certificates: certificates.prefault({}),
  network: z
    .object({
      serviceSlice: cidr
        .optional()
        .describe(
          "The part of the super's Service range that the tenant allocates from; default: Berth picks a free /24. Where super has IPv6 addresses too, Berth picks a free /120 of those beside it",
        ),
      maxServiceSlices: z
        .int()
        .min(1)
        .max(64)
        .default(4)
        .describe(
          'Slices of each address family that the tenant may have at most. It gets another 256 addresses when its Services hold three quarters of what it has',
        ),
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
          fieldPath: '.serviceSlice',
        },
        {
          rule: 'has(self.clusterDomain) == has(oldSelf.clusterDomain) && (!has(self.clusterDomain) || self.clusterDomain == oldSelf.clusterDomain)',
          message: 'clusterDomain cannot be changed',
          fieldPath: '.clusterDomain',
        },
      ],
    }),
  sync: z
    .object({
      nodes: z
        .enum(['all', 'used'])
        .default('all')
        .describe(
          'all: the tenant sees every super node that `nodeSelector` names, and those that run its pods. used: only the latter; DaemonSets then reach no further',
        ),
      nodeSelector: z
        .record(z.string().max(317), z.string().max(63))
        .default({})
        .describe('Labels of the super nodes the tenant sees before it has pods there; {} is all'),
      classes: z
        .object({
          storage: classRuleWithDefault('StorageClasses').describe(
            'A class with reclaim policy Retain, whose volumes outlive the tenant with their data, only by its name in `allowed` or `default`',
          ),
          ingress: classRuleWithDefault('IngressClasses'),
          runtime: runtimeClassRule,
          priority: classRuleWithDefault('PriorityClasses').describe('Neither `allowed` nor `selector`: none'),
          volumeAttributes: classRule('VolumeAttributesClasses'),
          volumeSnapshot: classRuleWithDefault('VolumeSnapshotClasses'),
          gateway: classRule('GatewayClasses').describe('Every Gateway names its class: there is no default'),
        })
        .optional()
        .describe('Classes of super that the tenant sees and may use. A kind with neither `allowed` nor `selector`: all of it'),
      customKinds: z
        .array(customKind)
        .max(20)
        .default([])
        .describe(
          "Kinds of super's operators that the tenant may use: the definition is copied into the tenant, objects go down, their status comes up. Only kinds whose operator is safe with hostile input and stays within the object's namespace",
        ),
      ingressAnnotations: keyPatterns.describe(
        'Annotations of Ingresses that go down with any value, beside the known harmless ones; `*` at the end: all that begin so. Controllers paste values into their configuration: allow only what a hostile tenant may say',
      ),
      serviceAnnotations: keyPatterns.describe(
        'Annotations of Services, and of the infrastructure of Gateways, that go down with any value; `*` at the end: all that begin so. Load balancers give addresses away by them: allow only what a hostile tenant may say',
      ),
      loadBalancerClasses: z
        .array(z.string().min(1).max(317))
        .max(50)
        .default([])
        .describe(
          'Load balancer classes that Services may name. One that names none gets the load balancer that is the default in super',
        ),
      podAnnotations: keyPatterns.describe(
        "Annotations of pods that go down with any value, beside bandwidth and the autoscaler's; `*` at the end: all that begin so. Networks, meshes and runtimes of super act upon them: allow only what a hostile tenant may say",
      ),
      podLabels: keyPatterns.describe(
        'Labels of pods that go down although webhooks, schedulers or identity services of super act upon them, such as sidecar.istio.io/inject; `*` at the end: all that begin so. All other labels go down anyway',
      ),
      claimAnnotations: keyPatterns.describe(
        'Annotations of PersistentVolumeClaims that go down with any value; `*` at the end: all that begin so. Provisioners of super choose data and places by them: allow only what a hostile tenant may say',
      ),
      ingressHosts: z
        .array(
          z
            .string()
            .min(1)
            .max(253)
            .regex(/^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/),
        )
        .max(100)
        .optional()
        .describe(
          'Hosts that Ingresses, Gateways and their routes may claim, `*.` before a domain for all below it; unset: any that no other tenant has',
        ),
      inlineCSIDrivers: z
        .array(
          z
            .string()
            .min(1)
            .max(63)
            .regex(/^[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?$/),
        )
        .max(50)
        .default([])
        .describe('CSI drivers that pods may use for inline volumes. A driver gets the attributes as the tenant wrote them'),
    })
    .prefault({}),
  backup: backupSpec,
  upgrade: upgradeSpec,
  restore: restoreSpec,
  cloneFrom: cloneSpec,
  isolation: isolationSpec.prefault({}),
})

/** `default`, `allowed` and `selector` by kind of class. */
export type ClassRules = NonNullable<z.output<typeof tenantControlPlaneSpec>['sync']['classes']>

export type TenantControlPlaneSpec = z.output<typeof tenantControlPlaneSpec>

export interface TenantControlPlane extends KubeObject {
  spec: TenantControlPlaneSpec
  status?: TenantControlPlaneStatus
}
