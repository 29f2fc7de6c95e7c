import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { hasCode } from '../lib/errors.ts'
import { tenantIdentity } from '../tenancy/names.ts'
import { type NodePod, nodePodOf } from './tenant-pods.ts'

interface Tenant {
  readonly uid: string
  readonly name: string
}

/** Which pods of a tenant are on this node. */
export interface PodIndex {
  /**
   * The tenant's pods in one of its super namespaces, by name. What is remembered serves while it holds every name of `seen` and is a minute old at most;
   * else super is asked again, every five seconds at most. Throws when super cannot tell.
   */
  podsIn(
    tenant: Tenant,
    superNamespace: string,
    options: { seen?: ReadonlySet<string>; signal: AbortSignal },
  ): Promise<ReadonlyMap<string, NodePod>>
}

const freshMs = 5_000
const staleMs = 60_000
const callMs = 10_000
/** Namespaces remembered, of all tenants together: a node has some hundred pods. */
const kept = 2_000

interface Known {
  readonly at: number
  readonly pods: Promise<ReadonlyMap<string, NodePod>>
}

/** Asks super as the tenant, so that the agent's own account needs no right to read pods. */
export const createPodIndex = ({
  superClient,
  nodeName,
  now = () => performance.now(),
}: {
  readonly superClient: Pick<KubeClient, 'as'>
  readonly nodeName: string
  readonly now?: () => number
}): PodIndex => {
  const known = new Map<string, Known>()

  const read = async (tenant: Tenant, namespace: string): Promise<ReadonlyMap<string, NodePod>> => {
    const options = { namespace, fieldSelector: `spec.nodeName=${nodeName}`, timeoutMs: callMs }
    try {
      const { items } = await superClient.as(tenantIdentity(tenant.uid)).list(resourceTypes.pods, options)
      const pods = items.flatMap((superPod) => nodePodOf(superPod, tenant, nodeName) ?? [])
      return new Map(pods.map((pod) => [pod.name, pod]))
    } catch (error) {
      // The namespace has gone, or was never the tenant's.
      if (hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_NOT_FOUND')) return new Map()
      throw error
    }
  }
  return {
    podsIn: async (tenant, namespace, { seen, signal }) => {
      const key = `${tenant.uid}/${namespace}`
      const last = known.get(key)
      const age = last ? now() - last.at : Number.POSITIVE_INFINITY
      if (last && age < staleMs) {
        const pods = await last.pods.catch(() => undefined)
        if (pods && (age < freshMs || (seen !== undefined && [...seen].every((name) => pods.has(name))))) return pods
      }
      signal.throwIfAborted()
      const pods = read(tenant, namespace)
      known.delete(key)
      known.set(key, { at: now(), pods })
      const [oldest] = known.keys()
      if (known.size > kept && oldest !== undefined) known.delete(oldest)
      // Whoever else waits hears of the failure; the next one asks again.
      pods.catch(() => {
        if (known.get(key)?.pods === pods) known.delete(key)
      })
      return pods
    },
  }
}
