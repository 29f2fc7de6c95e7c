import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../../apis/kube-object.ts'
import { objectKey } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { agentPort } from '../../tenancy/agent-port.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { sees } from '../../tenancy/node-pools.ts'
import type { SyncContext } from '../resource.ts'
import { driversOf, isMirrored, type MirroredKind, type MirrorView, mirroredKinds } from '../resources/mirrored.ts'
import { mergedNode, tenantNode } from '../resources/nodes.ts'
import { tenantPersistentVolume } from '../resources/persistent-volumes.ts'
import type { TenantSide } from '../sides.ts'
import { ownerOf } from '../super-object.ts'
import { nodeScope } from '../sync-node.ts'
import type { Difference, DifferenceKind } from './difference.ts'
import { describeDrift, fieldDrift } from './field-drift.ts'
import { objectsOf, type Snapshot } from './snapshot.ts'

/** A Node's Lease may be this old: the syncer renews it every 40 s, the tenant takes 120 s for its life. */
const leaseMs = 120_000

const byName = (objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> =>
  new Map(objects.map((object) => [object.metadata.name ?? '', object]))

const driftOf = (live: KubeObject, wanted: KubeObject): readonly [DifferenceKind, string][] =>
  fieldDrift(live, wanted)
    .filter(({ path }) => path !== 'kind' && path !== 'apiVersion')
    .map((drift) => ['stale-in-tenant', describeDrift(drift)])

const at =
  (resource: string) =>
  (name: string) =>
  ([kind, detail]: readonly [DifferenceKind, string]): Difference => ({ kind, resource, namespace: '', name, detail })

const taintsDiffer = (live: KubeObject, wanted: KubeObject): readonly [DifferenceKind, string][] =>
  isDeepStrictEqual(live.spec?.taints ?? [], wanted.spec?.taints ?? [])
    ? []
    : [
        [
          'stale-in-tenant',
          `spec.taints is ${JSON.stringify(live.spec?.taints ?? [])}, wanted ${JSON.stringify(wanted.spec?.taints ?? [])}`,
        ],
      ]

/** The tenant's Nodes: there for each node with its pods and each selected one, true to super, with a living Lease. */
export const compareNodes = (snapshot: Snapshot, side: Pick<TenantSide, 'ctx' | 'nodeSelector'>): readonly Difference[] => {
  const superNodes = byName(objectsOf(snapshot.superSide, resourceTypes.nodes))
  const tenantNodes = byName(objectsOf(snapshot.tenant, resourceTypes.nodes))
  const leases = byName(objectsOf(snapshot.tenant, resourceTypes.leases))
  const pods = objectsOf(snapshot.tenant, resourceTypes.pods)
  const place = at('nodes')
  const scope = nodeScope(side)
  const differences: Difference[] = []

  for (const { metadata, spec } of pods) {
    if (!spec?.nodeName || tenantNodes.has(spec.nodeName)) continue
    const detail = `is bound to node ${spec.nodeName}, which the tenant does not have`
    differences.push({
      kind: 'missing-in-tenant',
      resource: 'pods',
      namespace: metadata.namespace ?? '',
      name: metadata.name ?? '',
      detail,
    })
  }
  for (const [name, superNode] of superNodes) {
    if (sees(scope, superNode.metadata.labels) && !tenantNodes.has(name)) {
      differences.push(place(name)(['missing-in-tenant', 'the node selector of the tenant names it']))
    }
  }
  for (const [name, node] of tenantNodes) {
    if (!isMirrored(node)) {
      differences.push(place(name)(['extra-in-tenant', 'not made by the syncer']))
      continue
    }
    const superNode = superNodes.get(name)
    if (!superNode) {
      differences.push(place(name)(['extra-in-tenant', 'super has no such node']))
      continue
    }
    const { node: wanted, gone } = mergedNode(tenantNode(superNode, { agentPort }), node)
    differences.push(...gone.map((key) => place(name)(['stale-in-tenant', `has the label ${key}, which super has no longer`])))
    const { taints: _taints, ...spec } = wanted.spec ?? {}
    const { annotations: _record, ...metadata } = wanted.metadata
    differences.push(...[...driftOf(node, { ...wanted, metadata, spec }), ...taintsDiffer(node, wanted)].map(place(name)))
    const renewed = Date.parse(leases.get(name)?.spec?.renewTime ?? '')
    if (Number.isNaN(renewed)) differences.push(place(name)(['missing-in-tenant', 'its Lease is missing']))
    else if (renewed + leaseMs < snapshot.takenAt) differences.push(place(name)(['stale-in-tenant', 'its Lease is not renewed']))
  }
  return differences
}

/** What a tenant sees of one kind as copies: all that it may, true to super, unless the tenant has its own of that name. */
const compareCopies = (kind: MirroredKind, snapshot: Snapshot, view: MirrorView): readonly Difference[] => {
  const superObjects = byName(objectsOf(snapshot.superSide, kind.type))
  const tenantObjects = byName(objectsOf(snapshot.tenant, kind.type))
  const place = at(kind.type.plural)
  const wanted = new Map(
    [...superObjects.values()].flatMap((object): [string, KubeObject][] => {
      const copy = kind.toTenant(object, view)
      return copy ? [[copy.metadata.name ?? '', copy]] : []
    }),
  )
  const offered = [...wanted].flatMap(([name, copy]): Difference[] => {
    const live = tenantObjects.get(name)
    if (!live) return [place(name)(['missing-in-tenant', 'super offers it'])]
    if (!isMirrored(live)) return []
    const surplus = kind.fields
      .filter((field) => copy[field] === undefined && live[field])
      .map((field): [DifferenceKind, string] => ['stale-in-tenant', `${field} is ${JSON.stringify(live[field])}, wanted none`])
    return [...driftOf(live, copy), ...surplus].map(place(name))
  })
  const extra = [...tenantObjects.values()]
    .filter((live) => isMirrored(live) && !wanted.has(live.metadata.name ?? ''))
    .map((live) => place(live.metadata.name ?? '')(['extra-in-tenant', 'super does not offer it any more']))
  return [...offered, ...extra]
}

/** Classes and CSI objects: of super's those that the tenant may use. A kind that either side does not serve has nothing to compare. */
export const compareMirrored = (snapshot: Snapshot, { classes }: Pick<SyncContext, 'classes'>): readonly Difference[] => {
  const tenantNodes = byName(objectsOf(snapshot.tenant, resourceTypes.nodes))
  const view: MirrorView = {
    classes,
    hasNode: (name) => tenantNodes.has(name),
    drivers: () => driversOf(objectsOf(snapshot.superSide, resourceTypes.storageClasses), classes),
    hasOwnDefaultPriority: () =>
      objectsOf(snapshot.tenant, resourceTypes.priorityClasses).some((live) => live.globalDefault === true && !isMirrored(live)),
  }
  return mirroredKinds
    .filter(({ type }) => snapshot.tenant.has(type.plural) && snapshot.superSide.has(type.plural))
    .flatMap((kind) => compareCopies(kind, snapshot, view))
}

/** The volume of each bound claim: the same on both sides, and bound to the tenant's own claim in the tenant. */
export const compareVolumes = (snapshot: Snapshot, ctx: SyncContext): readonly Difference[] => {
  const superVolumes = byName(objectsOf(snapshot.superSide, resourceTypes.persistentVolumes))
  const left = new Map(
    [...byName(objectsOf(snapshot.tenant, resourceTypes.persistentVolumes))].filter(([, volume]) => isMirrored(volume)),
  )
  const superClaims = new Map(
    objectsOf(snapshot.superSide, resourceTypes.persistentVolumeClaims).map((claim) => [objectKey(claim), claim]),
  )
  const place = at('persistentvolumes')
  const differences: Difference[] = []

  for (const claim of objectsOf(snapshot.tenant, resourceTypes.persistentVolumeClaims)) {
    const { namespace = '', name = '', uid } = claim.metadata
    const superClaim = superClaims.get(`${superNamespace(ctx.tenant, namespace)}/${name}`)
    const volumeName: string | undefined = superClaim?.spec?.volumeName
    const superVolume = volumeName === undefined ? undefined : superVolumes.get(volumeName)
    if (!superClaim || !superVolume || volumeName === undefined || ownerOf(superClaim)?.objectUid !== uid) continue
    // Until both name each other nothing is bound yet.
    if (superVolume.spec?.claimRef?.uid !== superClaim.metadata.uid) continue
    const live = left.get(volumeName)
    left.delete(volumeName)
    if (!live) differences.push(place(volumeName)(['missing-in-tenant', `the volume of claim ${namespace}/${name}`]))
    else {
      const wanted = tenantPersistentVolume(superVolume, { tenantClaim: claim, ctx })
      differences.push(...driftOf(live, { ...wanted, metadata: { name: volumeName } }).map(place(volumeName)))
    }
  }
  for (const name of left.keys())
    differences.push(place(name)(['extra-in-tenant', 'not bound to a claim of the tenant in super']))
  return differences
}
