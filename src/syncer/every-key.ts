import type { KubeObject } from '../apis/kube-object.ts'
import { keyOf } from './keys.ts'
import { definitionName, offeredDefinitions } from './resources/custom-kinds.ts'
import { mirroredByPlural } from './resources/mirrored.ts'
import type { SyncDeps } from './sides.ts'
import { ownerOf } from './super-object.ts'
import { driftedAddresses } from './sync-address.ts'

type Sides = Pick<SyncDeps, 'tenant' | 'superSide'>

/** Kinds that come up whole. */
const cameUp: readonly string[] = [...mirroredByPlural.keys(), 'persistentvolumes', 'nodes']

/** Keys of all that comes up whole and is on either side. */
export const copyKeys = function* ({ tenant, superSide }: Sides): Generator<string> {
  for (const plural of cameUp) {
    for (const informers of [superSide.informers, tenant.informers]) {
      for (const { metadata } of informers.get(plural)?.list() ?? []) yield keyOf(plural, '', metadata.name ?? '')
    }
  }
}

/** Keys of all that one tenant has or had: what to look at when it begins to be served. `inSuper`: what it has there, by kind. */
export const everyKey = function* (sides: Sides, inSuper: Iterable<readonly [string, KubeObject]>): Generator<string> {
  const { tenant } = sides
  for (const [kind, object] of inSuper) {
    const owner = ownerOf(object)
    if (owner) yield keyOf(kind, owner.namespace, owner.name)
  }
  for (const kind of tenant.resources.keys()) {
    for (const { metadata } of tenant.informers.get(kind)?.list() ?? [])
      yield keyOf(kind, metadata.namespace ?? '', metadata.name ?? '')
  }
  yield* copyKeys(sides)
  for (const address of driftedAddresses(sides)) yield keyOf('ipaddresses', '', address)
  for (const { kind } of offeredDefinitions(tenant.ctx.customKinds)) yield keyOf('definitions', '', definitionName(kind))
  for (const { metadata } of tenant.informers.get('namespaces')?.list() ?? []) yield keyOf('leftovers', metadata.name ?? '', '')
}
