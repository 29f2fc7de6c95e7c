import type { IsolationProfile, IsolationSpec, NodePool, PodSecurityLevel, serviceTypes } from '../apis/isolation.ts'
import { baselineCapabilities, restrictedCapabilities } from './pod-security-standards.ts'

/** What holds for one tenant: its profile with what its spec says otherwise. Nothing is left unsaid. */
export interface IsolationSettings {
  readonly profile: IsolationProfile
  /** What super's Pod Security admission enforces in the tenant's namespaces. */
  readonly podSecurity: PodSecurityLevel
  readonly pods: {
    /** Capabilities that containers may add; `*`: any. */
    readonly capabilities: readonly string[]
    readonly runAsNonRoot: boolean
    readonly privilegeEscalation: boolean
    readonly pullAlways: boolean
    readonly userNamespaces: boolean
    /** Of containers that name none. */
    readonly seccomp: 'RuntimeDefault' | 'Unconfined'
    /** Beside the safe ones; `*` at the end: all that begin so. */
    readonly sysctls: readonly string[]
    /** Keys of super's taints; `*`: all but those of control planes and of other tenants' node pools. */
    readonly tolerations: readonly string[]
  }
  readonly network: {
    readonly apart: boolean
    readonly egress: 'Any' | 'Public' | 'None'
    /** CIDRs. */
    readonly egressTo: readonly string[]
    readonly ingress: 'Any' | 'None'
    /** CIDRs. */
    readonly ingressFrom: readonly string[]
    /** Namespaces of the tenant. */
    readonly agentFrom: readonly string[]
    /** Kubernetes quantities of bits per second. */
    readonly maxBandwidth: { readonly ingress?: string | undefined; readonly egress?: string | undefined }
  }
  /** Beside ClusterIP. */
  readonly serviceTypes: readonly (typeof serviceTypes)[number][]
  readonly quota: {
    /** By names of a ResourceQuota. */
    readonly hard: Readonly<Record<string, string>>
    readonly containerRequests: Readonly<Record<string, string>>
    readonly containerLimits: Readonly<Record<string, string>>
  }
  readonly nodePool: NodePool | undefined
}

const noQuota = { hard: {}, containerRequests: {}, containerLimits: {} }

const privileged: Omit<IsolationSettings, 'profile' | 'nodePool'> = {
  podSecurity: 'privileged',
  pods: {
    capabilities: ['*'],
    runAsNonRoot: false,
    privilegeEscalation: true,
    pullAlways: false,
    userNamespaces: false,
    seccomp: 'Unconfined',
    sysctls: ['*'],
    tolerations: ['*'],
  },
  network: {
    apart: false,
    egress: 'Any',
    egressTo: [],
    ingress: 'Any',
    ingressFrom: [],
    agentFrom: ['kube-system'],
    maxBandwidth: {},
  },
  serviceTypes: ['ExternalName', 'LoadBalancer', 'NodePort'],
  quota: noQuota,
}

const baseline: typeof privileged = {
  ...privileged,
  podSecurity: 'baseline',
  pods: { ...privileged.pods, capabilities: baselineCapabilities, seccomp: 'RuntimeDefault', sysctls: [] },
  network: { ...privileged.network, apart: true },
}

const restricted: typeof privileged = {
  ...baseline,
  podSecurity: 'restricted',
  pods: {
    ...baseline.pods,
    capabilities: restrictedCapabilities,
    runAsNonRoot: true,
    privilegeEscalation: false,
    pullAlways: true,
    tolerations: [],
  },
  network: { ...baseline.network, egress: 'Public' },
  serviceTypes: ['ExternalName', 'LoadBalancer'],
}

/** What each profile means. `sandboxed` takes a forced runtime class, `dedicated` a node pool: without it the tenant runs no pods. */
export const profiles: Readonly<Record<IsolationProfile, typeof privileged>> = {
  privileged,
  baseline,
  restricted,
  sandboxed: restricted,
  dedicated: baseline,
}

const stated = <T extends object>(given: T | undefined): Partial<T> =>
  Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>

/** The settings that a tenant's spec comes to. Pods of a tenant whose level is overridden go by that level, not by the profile's. */
export const isolationSettings = ({
  profile,
  podSecurity,
  pods,
  network,
  serviceTypes: types,
  quota,
  nodePool,
}: IsolationSpec): IsolationSettings => {
  const preset = profiles[profile]
  const level = podSecurity ?? preset.podSecurity
  const podPreset = level === preset.podSecurity ? preset.pods : profiles[level].pods
  return {
    profile,
    podSecurity: level,
    pods: { ...podPreset, ...stated(pods) },
    network: { ...preset.network, ...stated(network) } as IsolationSettings['network'],
    serviceTypes: types ?? preset.serviceTypes,
    quota: { ...preset.quota, ...stated(quota) } as IsolationSettings['quota'],
    nodePool,
  }
}
