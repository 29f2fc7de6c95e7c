import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { agentPort } from '../tenancy/agent-port.ts'
import { mirroredLabel } from '../tenancy/marks.ts'
import { isOpen, type NodeScope, sees } from '../tenancy/node-pools.ts'
import type { ObjectKey } from './keys.ts'
import { mergePatch, sameJson } from './resources/merge-patch.ts'
import { type MergedNode, mergedNode, statusWords, tenantNode } from './resources/nodes.ts'
import { done, informerOf, type SyncDeps, type SyncResult, type TenantSide } from './sides.ts'
import { contains, ownerOf } from './super-object.ts'

/** A node that runs no pod of the tenant any more stays this long, so that short-lived pods do not make it come and go. */
const idleNodeMs = 120_000

const type = resourceTypes.nodes

/** Which of super's nodes are the tenant's, as its operator says. */
export const nodeScope = ({ ctx: { isolation, nodes }, nodeSelector }: Pick<TenantSide, 'ctx' | 'nodeSelector'>): NodeScope => ({
  selector: nodeSelector,
  pool: isolation.nodePool,
  onlyPool: isolation.profile === 'dedicated',
  foreignPools: nodes.foreignPools,
})

/**
 * True for a node on which the tenant has pods. Of one that is others' only what runs there in super counts: a pod that names it is a word of the tenant's,
 * and would show it machines that it has nothing to do with.
 */
const hasPods = (superNode: KubeObject, { tenant, superSide }: Pick<SyncDeps, 'tenant' | 'superSide'>): boolean => {
  const { name = '', labels } = superNode.metadata
  if (!tenant.podsByNode.isUsed(name)) return false
  if (isOpen(nodeScope(tenant), labels)) return true
  return informerOf(superSide.informers, 'pods')
    .list()
    .some((pod) => pod.spec?.nodeName === name && ownerOf(pod)?.tenantUid === tenant.ctx.tenant.uid)
}

const sameWords = (live: KubeObject, { node, gone }: MergedNode): boolean =>
  gone.length === 0 &&
  isDeepStrictEqual(live.spec?.taints ?? [], node.spec?.taints ?? []) &&
  (live.spec?.unschedulable ?? false) === (node.spec?.unschedulable ?? false) &&
  contains(live.metadata, { labels: node.metadata.labels, annotations: node.metadata.annotations })

/** Seconds that a Node's Lease holds: three renewals may fail. */
const nodeLeaseSeconds = 120
export const nodeLeaseEveryMs = (nodeLeaseSeconds * 1000) / 3

type LeaseDeps = Pick<SyncDeps, 'now'> & { readonly tenant: Pick<SyncDeps['tenant'], 'tenantClient'> }

const renewNodeLease = async ({ metadata }: KubeObject, { tenant: { tenantClient }, now }: LeaseDeps): Promise<void> => {
  const { name = '', uid = '' } = metadata
  const renewTime = new Date(now()).toISOString().replace('Z', '000Z')
  const spec = { holderIdentity: name, leaseDurationSeconds: nodeLeaseSeconds, renewTime }
  const ref = { name, namespace: 'kube-node-lease' }
  await tenantClient.patch(resourceTypes.leases, ref, { spec }, { type: 'merge' }).catch(async (error: unknown) => {
    if (!hasCode(error, 'KUBE_NOT_FOUND')) throw error
    await tenantClient.create(resourceTypes.leases, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...ref, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] },
      spec,
    })
  })
}

/** Changes to the words on a Node go through while nobody else has changed it since: else a label that the tenant set just now could be taken for an old one. */
const writeNode = async (
  superNode: KubeObject,
  live: KubeObject | undefined,
  { tenant, now }: Pick<SyncDeps, 'tenant' | 'now'>,
): Promise<void> => {
  const cache = informerOf(tenant.informers, type.plural)
  const superWord = tenantNode(superNode, { agentPort })
  const ref = { name: superWord.metadata.name ?? '' }
  let present = live
  if (!present) {
    present = await tenant.tenantClient.create(type, mergedNode(superWord, undefined).node).catch(async (error: unknown) => {
      if (hasCode(error, 'KUBE_ALREADY_EXISTS')) return tenant.tenantClient.get(type, ref)
      throw error
    })
  }
  const merged = mergedNode(superWord, present)
  if (present && !sameWords(present, merged)) {
    const { metadata, spec } = merged.node
    present = await tenant.tenantClient.patch(
      type,
      ref,
      {
        metadata: {
          resourceVersion: present.metadata.resourceVersion,
          labels: { ...Object.fromEntries(merged.gone.map((key) => [key, null])), ...metadata.labels },
          annotations: metadata.annotations,
        },
        spec: { taints: spec?.taints ?? null, unschedulable: spec?.unschedulable ?? null },
      },
      { type: 'merge' },
    )
  }
  const status = present && mergePatch(statusWords(present), superWord.status)
  if (status !== undefined) {
    present = await tenant.tenantClient.patch(type, ref, { status }, { type: 'merge', subresource: 'status' })
  }
  if (present) {
    cache.observe(present)
    if (!live) await renewNodeLease(present, { tenant, now })
  }
}

/** The Node is in the tenant before a pod is bound to it: the tenant's pod garbage collector deletes pods of unknown nodes. */
export const ensureNode = async (
  name: string,
  { tenant, superSide, now }: Pick<SyncDeps, 'tenant' | 'superSide' | 'now'>,
): Promise<void> => {
  if (informerOf(tenant.informers, type.plural).get(name)) return
  const inMaking = tenant.nodesInMaking.get(name)
  if (inMaking) return inMaking
  const making = (async () => {
    const superNode = informerOf(superSide.informers, type.plural).get(name) ?? (await superSide.client.get(type, { name }))
    if (superNode) await writeNode(superNode, undefined, { tenant, now })
  })()
  tenant.nodesInMaking.set(name, making)
  try {
    await making
  } finally {
    tenant.nodesInMaking.delete(name)
  }
}

/**
 * A Node of the tenant: there while a pod of the tenant runs on it or the tenant's node selector names it, true to super, and with what the tenant says
 * of it besides.
 */
export const syncNode = async ({ name }: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant, superSide, now } = deps
  const live = informerOf(tenant.informers, type.plural).get(name)
  const superNode = informerOf(superSide.informers, type.plural).get(name)
  const needed = superNode && (hasPods(superNode, deps) || sees(nodeScope(tenant), superNode.metadata.labels))
  if (needed) {
    tenant.idleNodes.delete(name)
    const superWord = tenantNode(superNode, { agentPort })
    if (!live || !sameWords(live, mergedNode(superWord, live)) || !sameJson(statusWords(live), superWord.status))
      await writeNode(superNode, live, deps)
    return done
  }
  if (live?.metadata.labels?.[mirroredLabel] === undefined) return done
  const idleSince = tenant.idleNodes.get(name) ?? now()
  tenant.idleNodes.set(name, idleSince)
  const leftMs = superNode ? idleSince + idleNodeMs - now() : 0
  if (leftMs > 0) return { kind: 'done', againAfterMs: leftMs }
  tenant.idleNodes.delete(name)
  await tenant.tenantClient.delete(type, { name }, { ...(live.metadata.uid !== undefined && { uid: live.metadata.uid }) })
  return done
}

/** Renews the Lease of each of the tenant's Nodes, as a kubelet would (KEP-589). */
export const renewNodeLeases = async ({ tenant, now }: Pick<SyncDeps, 'tenant' | 'now'>): Promise<void> => {
  for (const node of informerOf(tenant.informers, type.plural).list()) {
    if (node.metadata.labels?.[mirroredLabel] !== undefined) await renewNodeLease(node, { tenant, now })
  }
}
