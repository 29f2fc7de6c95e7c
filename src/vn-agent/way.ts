import type { KubeConnection } from '../kube/client.ts'
import { superNamespace, type TenantRef, tenantIdentity } from '../tenancy/names.ts'
import { type AgentRoute, kubeletPath, superPath } from './routes.ts'
import { openSuperStream, type StreamConnection, type SuperStream } from './super-stream.ts'

export interface WayRequest {
  readonly tenant: Pick<TenantRef, 'uid' | 'name'>
  readonly route: AgentRoute
  readonly method: string
  readonly headers: readonly string[]
  readonly signal: AbortSignal
  readonly answerMs?: number
}

/** How a session goes on from the agent. */
export interface Way {
  readonly kind: 'api' | 'kubelet'
  /** Throws KUBE_UNREACHABLE, KUBE_TIMEOUT or CONFIG_INVALID. */
  open(request: WayRequest): Promise<SuperStream>
  /** True for a status that is about the agent's own account. The tenant is told no more than that. */
  readonly isAboutAgent: (status: number) => boolean
}

/** By super's API, in the tenant's name: super itself decides whether this tenant may reach into this pod. */
export const apiWay = (connection: KubeConnection): Way => ({
  kind: 'api',
  open: ({ tenant, route, ...request }) =>
    openSuperStream({ ...request, path: superPath(route, tenant), identity: tenantIdentity(tenant.uid) }, connection),
  isAboutAgent: (status) => status === 401,
})

/**
 * Straight to the kubelet of this node, in the agent's own name: one hop less, and no load on super's API servers. It takes `nodes/proxy`, a right to every pod
 * of the node, so the agent's own check of the owner is all that stands between tenants.
 */
export const kubeletWay = (connect: () => Promise<StreamConnection>): Way => ({
  kind: 'kubelet',
  open: async ({ tenant, route, ...request }) =>
    openSuperStream({ ...request, path: kubeletPath(route, superNamespace(tenant, route.namespace)) }, await connect()),
  isAboutAgent: (status) => status === 401 || status === 403,
})
