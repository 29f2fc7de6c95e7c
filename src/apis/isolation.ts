import { z } from 'zod'
import { cronFields } from './cron-schedule.ts'
import { quantity } from './quantity.ts'

/** Named sets of settings, each readable in `tenancy/isolation.ts`. */
export const isolationProfiles = ['privileged', 'baseline', 'restricted', 'sandboxed', 'dedicated'] as const
export type IsolationProfile = (typeof isolationProfiles)[number]

/** Pod Security levels, least strict first. */
export const podSecurityLevels = ['privileged', 'baseline', 'restricted'] as const
export type PodSecurityLevel = (typeof podSecurityLevels)[number]

/** Types of Services beside ClusterIP and headless ones, which any tenant may have. */
export const serviceTypes = ['ExternalName', 'LoadBalancer', 'NodePort'] as const

const labelKey = z.string().min(1).max(317)
const labelValue = z.string().max(63)
const range = z
  .string()
  .max(49)
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'isCIDR(self) && cidr(self).masked() == cidr(self)',
        message: 'must be a CIDR whose host bits are zero, for example 192.0.2.0/24',
      },
    ],
  })

const pods = z.object({
  capabilities: z
    .array(
      z
        .string()
        .min(1)
        .max(63)
        .regex(/^(\*|[A-Z][A-Z0-9_]*)$/),
    )
    .max(50)
    .optional()
    .describe('Capabilities that containers may add; `*`: any'),
  runAsNonRoot: z
    .boolean()
    .optional()
    .describe('true: a container that asks for root is refused, and one that does not say runs only as another user'),
  privilegeEscalation: z
    .boolean()
    .optional()
    .describe('false: a container that asks for it is refused, and one that does not say goes without'),
  pullAlways: z
    .boolean()
    .optional()
    .describe(
      "true: images are pulled with the pod's own secrets each time, so that no tenant runs a private image that another one has pulled. Pull policy Never is refused",
    ),
  userNamespaces: z
    .boolean()
    .optional()
    .describe('true: pods run in a user namespace of their own (hostUsers: false), which nodes have to support'),
  seccomp: z.enum(['RuntimeDefault', 'Unconfined']).optional().describe('The seccomp profile of containers that name none'),
  sysctls: z
    .array(
      z
        .string()
        .min(1)
        .max(253)
        .regex(/^[a-z0-9]([-_a-z0-9./*]*[a-z0-9*])?$/),
    )
    .max(50)
    .optional()
    .describe('Sysctls that pods may set beside those that Kubernetes calls safe; `*` at the end: all that begin so'),
  tolerations: z
    .array(z.string().min(1).max(317))
    .max(100)
    .optional()
    .describe(
      "Keys of taints of super's nodes that pods may tolerate; `*`: all but those of control planes and of other tenants' node pools. What a tenant taints itself, its pods may always tolerate",
    ),
})

const network = z.object({
  apart: z
    .boolean()
    .optional()
    .describe("false: no rules of Berth's in super: pods reach all that machines reach, and are reached from there"),
  egress: z
    .enum(['Any', 'Public', 'None'])
    .optional()
    .describe(
      "What pods reach beside their tenant, its DNS and its API server. Any: everything outside of super's own networks; Public: of that what is no private address; None: nothing",
    ),
  egressTo: z
    .array(range)
    .max(100)
    .optional()
    .describe('Ranges that pods reach beside that. The word of the operator holds: ranges of super too'),
  ingress: z
    .enum(['Any', 'None'])
    .optional()
    .describe(
      "Who reaches pods beside their tenant and its API server. Any: everything outside of super's pods, as for node ports and load balancers; None: namespaces of super that the operator labels only",
    ),
  ingressFrom: z.array(range).max(100).optional().describe('Ranges that reach pods beside that'),
  agentFrom: z
    .array(z.string().min(1).max(63))
    .max(20)
    .optional()
    .describe(
      "Namespaces of the tenant whose pods reach vn-agent, which stands for the kubelet of each node: for metrics servers. It takes the tenant's own tokens and certificates only. Unset: kube-system",
    ),
  maxBandwidth: z
    .object({ ingress: quantity.optional(), egress: quantity.optional() })
    .optional()
    .describe('Bits per second that a pod has at most each way, where the network of super limits it (CNI plugin bandwidth)'),
})

const resourceList = (what: string) => z.record(z.string().min(1).max(317), quantity).optional().describe(what)

const quota = z.object({
  hard: z
    .record(z.string().min(1).max(317), quantity)
    .optional()
    .describe(
      'Most of each thing over all namespaces of the tenant, by the names of a ResourceQuota: requests.cpu, limits.memory, pods, services.nodeports, requests.nvidia.com/gpu, gold.storageclass.storage.k8s.io/requests.storage, count/ingresses.networking.k8s.io',
    )
    .meta({ maxProperties: 64 }),
  containerRequests: resourceList('What a container without requests asks for').meta({ maxProperties: 16 }),
  containerLimits: resourceList('The limits of a container without any').meta({ maxProperties: 16 }),
})

const toleration = z.object({
  key: labelKey,
  value: labelValue.optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
})

const nodePool = z.object({
  nodeSelector: z
    .record(labelKey, labelValue)
    .describe('Labels of the nodes of super that the tenant has: it sees no others, and its pods run on no others')
    .meta({ minProperties: 1, maxProperties: 16 }),
  taints: z
    .array(toleration)
    .max(16)
    .default([])
    .describe('Taints of those nodes: pods of this tenant tolerate them, those of tenants without the same pool do not'),
})

/** How far a tenant is kept from the machines, from super and from others: a profile, and what differs from it. */
export const isolationSpec = z.object({
  profile: z
    .enum(isolationProfiles)
    .default('baseline')
    .describe(
      'A set of settings, each of which can be overridden below. privileged: trusted with the machines; baseline: no access to them; restricted: and pods run as users without rights; sandboxed: and in a runtime class with a kernel of its own (`sync.classes.runtime.forced`); dedicated: baseline on nodes of its own (`nodePool`)',
    ),
  podSecurity: z
    .enum(podSecurityLevels)
    .optional()
    .describe('Pod Security level that super enforces on the pods of the tenant. Unset: that of the profile'),
  pods: pods.optional().describe('What pods may ask for. Unset: as the profile says'),
  network: network.optional().describe('Who reaches whom. Unset: as the profile says'),
  serviceTypes: z
    .array(z.enum(serviceTypes))
    .max(serviceTypes.length)
    .optional()
    .describe('Types of Services that the tenant may have beside ClusterIP. Unset: as the profile says'),
  quota: quota.optional().describe('Most that the tenant may have in super'),
  nodePool: nodePool.optional().describe('Nodes of its own'),
  verify: z
    .object({
      schedule: cronFields.describe('When, in the five fields of cron and UTC, for example 30 3 * * *'),
    })
    .optional()
    .describe(
      'Runs of `berth isolation verify` by schedule, where the installation has them (`isolationVerify.enabled`). The condition IsolationVerified says how the last one ended',
    ),
})

export type IsolationSpec = z.output<typeof isolationSpec>
export type NodePool = z.output<typeof nodePool>
