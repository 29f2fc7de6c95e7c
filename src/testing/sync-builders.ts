import type { z } from 'zod'
import type { CustomKind } from '../apis/custom-kind.ts'
import { isolationSpec } from '../apis/isolation.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { policiesOf } from '../syncer/network/openness.ts'
import { type SuperNodesView, viewOf } from '../syncer/own-nodes.ts'
import type { SyncContext, SyncPolicy } from '../syncer/resource.ts'
import type { TenantClasses } from '../tenancy/classes.ts'
import { isolationSettings } from '../tenancy/isolation.ts'
import { aPod, type Wanted } from './builders.ts'
import { frozen } from './frozen.ts'

/** A tenant that may use all classes of super, whatever they are called, none of them the default. */
export const everyClass: TenantClasses = {
  runtime: {},
  allows: () => true,
  superName: (_kind, name) => name,
  tenantName: (_kind, name) => name,
  defaultOf: () => undefined,
  isDefault: () => undefined,
}

/** What a tenant may say to super's controllers when the operator says nothing. */
export const strictPolicy: SyncPolicy = {
  ingressAnnotations: [],
  serviceAnnotations: [],
  ingressHosts: undefined,
  podAnnotations: [],
  claimAnnotations: [],
  podLabels: [],
  inlineCSIDrivers: [],
  loadBalancerClasses: [],
}

/** What a translation knows of a tenant in tests: acme, with the slice 10.96.4.0/24. */
export const aSyncContext = (
  wanted: {
    readonly isolation?: z.input<typeof isolationSpec>
    readonly podAt?: SyncContext['podAt']
    readonly hostStanding?: SyncContext['hostStanding']
    readonly classes?: Partial<TenantClasses>
    readonly policy?: Partial<SyncPolicy>
    readonly customKinds?: readonly CustomKind[]
    readonly nodes?: readonly KubeObject[]
    readonly superNodes?: Partial<SuperNodesView>
    readonly superRanges?: readonly string[]
    readonly superPodRanges?: readonly string[]
    readonly superNodeRanges?: readonly string[]
    readonly apiServerDoor?: readonly string[]
    readonly policies?: readonly KubeObject[]
  } = {},
) =>
  frozen({
    tenant: { uid: '11111111-2222-4333-8444-555555555555', name: 'acme', namespace: 'tenants' },
    clusterDomain: 'cluster.local',
    apiServerAddress: '10.96.4.1',
    dnsAddress: '10.96.4.10',
    serviceSlices: ['10.96.4.0/24', 'fd00:4::/112'],
    isolation: isolationSettings(isolationSpec.parse(wanted.isolation ?? {})),
    podAt: wanted.podAt ?? (() => undefined),
    hostStanding: wanted.hostStanding ?? (() => 'free' as const),
    classes: { ...everyClass, ...wanted.classes },
    policy: { ...strictPolicy, ...wanted.policy },
    customKinds: wanted.customKinds ?? [],
    nodes: viewOf(wanted.nodes ?? [], wanted.superNodes),
    superRanges: wanted.superRanges ?? ['10.244.0.0/16', '10.96.0.0/12', '192.0.2.1/32'],
    superPodRanges: wanted.superPodRanges ?? ['10.244.0.0/16'],
    superNodeRanges: wanted.superNodeRanges ?? ['192.0.2.1/32'],
    apiServerDoor: wanted.apiServerDoor,
    policies: policiesOf(wanted.policies ?? []),
  })

/** A pod `web` in the tenant's namespace `shop`, as the tenant's API server gives it: one container and what `spec` lays over it. */
export const aTenantPod = (spec: Readonly<Record<string, unknown>> = {}, wanted: Wanted = {}): KubeObject =>
  aPod({
    ...wanted,
    metadata: { name: 'web', namespace: 'shop', uid: 'tenant-pod-uid', generation: 1, ...wanted.metadata },
    spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], ...spec },
  })
