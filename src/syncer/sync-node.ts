import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { hasCode } from '../lib/errors.ts'
import { mirroredLabel } from '../tenancy/marks.ts'
import type { ObjectKey } from './keys.ts'
import { tenantNode } from './resources/nodes.ts'
import { done, informerOf, type SyncDeps, type SyncResult } from './sides.ts'
import { contains } from './super-object.ts'

/** Where a tenant's API server finds "the kubelet" of each node: vn-agent. */
export const agentPort = 10_550
/** A node that runs no pod of the tenant any more stays this long, so that short-lived pods do not make it come and go. */
const idleNodeMs = 120_000

const type = resourceTypes.nodes

/** True when `labels` has all of `selector`; `{}` is every node. */
export const selects = (
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>> = {},
): boolean => selector !== undefined && Object.entries(selector).every(([key, value]) => labels[key] === value)

const wantedNode = (superNode: KubeObject): KubeObject => {
  const node = tenantNode(superNode, { agentPort })
  return { ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, [mirroredLabel]: 'true' } } }
}

const sameSpec = (live: KubeObject, wanted: KubeObject): boolean =>
  isDeepStrictEqual(live.spec?.taints ?? [], wanted.spec?.taints ?? []) &&
  (live.spec?.unschedulable ?? false) === (wanted.spec?.unschedulable ?? false)

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

const writeNode = async (
  wanted: KubeObject,
  live: KubeObject | undefined,
  { tenant, now }: Pick<SyncDeps, 'tenant' | 'now'>,
): Promise<void> => {
  const cache = informerOf(tenant.informers, type.plural)
  const ref = { name: wanted.metadata.name ?? '' }
  let present = live
  if (!present) {
    present = await tenant.tenantClient.create(type, wanted).catch(async (error: unknown) => {
      if (hasCode(error, 'KUBE_ALREADY_EXISTS')) return tenant.tenantClient.get(type, ref)
      throw error
    })
  }
  // The API server taints each new Node as not ready; in a super cluster the node controller takes that away again.
  if (present && !(sameSpec(present, wanted) && contains(present.metadata.labels, wanted.metadata.labels))) {
    present = await tenant.tenantClient.patch(
      type,
      ref,
      {
        metadata: { labels: wanted.metadata.labels },
        spec: { taints: wanted.spec?.taints ?? null, unschedulable: wanted.spec?.unschedulable ?? null },
      },
      { type: 'merge' },
    )
  }
  if (present && !contains(present.status, wanted.status)) {
    present = await tenant.tenantClient.patch(type, ref, { status: wanted.status }, { type: 'merge', subresource: 'status' })
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
    if (superNode) await writeNode(wantedNode(superNode), undefined, { tenant, now })
  })()
  tenant.nodesInMaking.set(name, making)
  try {
    await making
  } finally {
    tenant.nodesInMaking.delete(name)
  }
}

/** A Node of the tenant: there while a pod of the tenant runs on it or the tenant's node selector names it, and true to super. */
export const syncNode = async ({ name }: ObjectKey, deps: SyncDeps): Promise<SyncResult> => {
  const { tenant, superSide, now } = deps
  const live = informerOf(tenant.informers, type.plural).get(name)
  const superNode = informerOf(superSide.informers, type.plural).get(name)
  const needed = superNode && (tenant.podsByNode.isUsed(name) || selects(tenant.nodeSelector, superNode.metadata.labels))
  if (needed) {
    tenant.idleNodes.delete(name)
    const wanted = wantedNode(superNode)
    if (
      !live ||
      !sameSpec(live, wanted) ||
      !contains(live, { metadata: { labels: wanted.metadata.labels }, status: wanted.status })
    ) {
      await writeNode(wanted, live, deps)
    }
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
