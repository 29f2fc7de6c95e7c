import { type TenantControlPlane, tenantControlPlaneSpec } from '../apis/tenant-control-plane.ts'
import type { TenantControlPlaneStatus } from '../apis/tenant-status.ts'
import { foundingPlan } from '../controlplane/data-stores/members.ts'
import { frozen } from './frozen.ts'

const ref = { uid: '6d3f0c1e-1111-4222-8333-944455556666', name: 'acme', namespace: 'home' }

/** A TenantControlPlane with the defaults of its spec. */
export const aTenantControlPlane = ({
  spec = {},
  status,
}: {
  spec?: Record<string, unknown>
  status?: TenantControlPlaneStatus
} = {}): TenantControlPlane =>
  frozen({
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { ...ref, generation: 3, creationTimestamp: '2026-06-01T00:00:00Z' },
    spec: tenantControlPlaneSpec.parse(spec),
    ...(status && { status }),
  })

/** What the objects of a control plane are made of; `spec` lies over the defaults. */
export const aPlane = (spec: Record<string, unknown> = {}, fields: Record<string, unknown> = {}) => {
  const parsed = tenantControlPlaneSpec.parse(spec)
  const { replicas } = parsed.dataStore
  return frozen({
    tenant: ref,
    spec: parsed,
    store: { members: foundingPlan(replicas), isHeld: false },
    namespace: 'berth-acme-x',
    slice: '10.96.4.0/24',
    storage: { kind: 'claim' as const },
    registry: 'registry.k8s.io',
    hasServed: true,
    rootsHashes: { etcd: 'h', 'kube-apiserver': 'h', 'kube-controller-manager': 'h' },
    watchesClients: false,
    ...fields,
  })
}
