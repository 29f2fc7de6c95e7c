import type { z } from 'zod'
import { isolationSpec } from '../apis/isolation.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import type { CustomKind } from '../apis/tenant-control-plane.ts'
import type { TenantClasses } from '../syncer/classes.ts'
import { viewOf } from '../syncer/own-nodes.ts'
import type { SyncPolicy } from '../syncer/resource.ts'
import { isolationSettings } from '../tenancy/isolation.ts'
import { aPod, type Wanted } from './builders.ts'
import { frozen } from './frozen.ts'

/** A tenant that may use all classes of super, whatever they are called, none of them the default. */
export const everyClass: TenantClasses = { allows: () => true, defaultOf: () => undefined, isDefault: () => undefined }

/** What a tenant may say to super's controllers when the operator says nothing. */
export const strictPolicy: SyncPolicy = {
  ingressAnnotations: [],
  serviceAnnotations: [],
  ingressHosts: undefined,
  inlineCSIDrivers: [],
}

/** What a translation knows of a tenant in tests: acme, with the slice 10.96.4.0/24. */
export const aSyncContext = (
  wanted: {
    readonly isolation?: z.input<typeof isolationSpec>
    readonly classes?: Partial<TenantClasses>
    readonly policy?: Partial<SyncPolicy>
    readonly customKinds?: readonly CustomKind[]
    readonly nodes?: readonly KubeObject[]
  } = {},
) =>
  frozen({
    tenant: { uid: '11111111-2222-4333-8444-555555555555', name: 'acme', namespace: 'tenants' },
    clusterDomain: 'cluster.local',
    apiServerAddress: '10.96.4.1',
    dnsAddress: '10.96.4.10',
    serviceSlices: ['10.96.4.0/24', 'fd00:4::/112'],
    isolation: isolationSettings(isolationSpec.parse(wanted.isolation ?? {})),
    classes: { ...everyClass, ...wanted.classes },
    policy: { ...strictPolicy, ...wanted.policy },
    customKinds: wanted.customKinds ?? [],
    nodes: viewOf(wanted.nodes ?? []),
  })

/** A pod `web` in the tenant's namespace `shop`, as the tenant's API server gives it: one container and what `spec` lays over it. */
export const aTenantPod = (spec: Readonly<Record<string, unknown>> = {}, wanted: Wanted = {}): KubeObject =>
  aPod({
    ...wanted,
    metadata: { name: 'web', namespace: 'shop', uid: 'tenant-pod-uid', generation: 1, ...wanted.metadata },
    spec: { containers: [{ name: 'main', image: 'registry.example/web:1' }], ...spec },
  })
