import { superNamespace } from '../tenancy/names.ts'
import { decide } from './decide.ts'
import { copyKeys } from './every-key.ts'
import { restOf } from './hibernation.ts'
import { keyOf, storeKey } from './keys.ts'
import { definitionName, offeredDefinitions } from './resources/custom-kinds.ts'
import { informerOf, type SyncDeps } from './sides.ts'
import { ownerOf, superRefOf, wantedObject } from './super-object.ts'
import { driftedAddresses } from './sync-address.ts'
import { ensureFittings } from './sync-namespace.ts'

/** Objects looked at between two pauses, so that a patrol never holds up the queue. */
const stride = 200

/**
 * One slow full comparison of a tenant: asks of every object what `decide` would do, and re-queues what is not at rest. It changes nothing itself.
 * Returns the keys that had drifted, by the cause that events should have brought: in a healthy system there are none.
 */
export const patrol = async (
  deps: SyncDeps,
  { enqueue, pause }: { enqueue: (key: string) => void; pause: () => Promise<void> },
): Promise<readonly string[]> => {
  const { tenant, superSide } = deps
  const { ctx } = tenant
  const drifted: string[] = []
  let seen = 0
  const note = async (key: string | undefined): Promise<void> => {
    if (key !== undefined) {
      drifted.push(key)
      enqueue(key)
    }
    seen += 1
    if (seen % stride === 0) await pause()
  }

  for (const namespace of tenant.readyNamespaces.keys()) enqueue(keyOf('leftovers', namespace, ''))
  for (const { kind } of offeredDefinitions(tenant.ctx.customKinds)) enqueue(keyOf('definitions', '', definitionName(kind)))
  for (const key of copyKeys(deps)) enqueue(key)
  for (const [plural, resource] of tenant.resources) {
    if (resource.type.custom && ![tenant, superSide].every(({ informers }) => informers.get(plural)?.hasSynced)) continue
    const tenantCache = informerOf(tenant.informers, plural)
    if (resource.byReference) {
      for (const { metadata } of tenantCache.list()) {
        const key = keyOf(plural, metadata.namespace ?? '', metadata.name ?? '')
        // What lies in super of these is only known by its metadata; the sync itself compares.
        if (tenant.references.isReferred(key)) enqueue(key)
      }
      continue
    }
    const superCache = informerOf(superSide.informers, plural)
    for (const tenantObject of tenantCache.list()) {
      const { namespace = '', name = '' } = tenantObject.metadata
      const ref = superRefOf(resource, ctx.tenant, { namespace, name })
      const superObject = superCache.get(storeKey(ref.namespace ?? '', ref.name))
      const wanted = wantedObject(resource, tenantObject, ctx)
      const action = decide(resource, { tenantUid: ctx.tenant.uid, tenantObject, superObject, wanted })
      // As it should be, until the tenant is awake, or until there is room.
      if (restOf(tenantObject, tenant) !== undefined) continue
      if (tenant.quota?.isWaiting({ kind: plural, namespace: '', ...ref })) continue
      const pending =
        (action.kind !== 'none' && action.kind !== 'refused') ||
        (superObject && ownerOf(superObject)?.objectUid === tenantObject.metadata.uid
          ? (resource.toTenant?.(superObject, tenantObject, ctx).length ?? 0) > 0
          : false)
      await note(pending ? keyOf(plural, namespace, name) : undefined)
    }
    for (const superObject of superCache.list()) {
      const owner = ownerOf(superObject)
      if (owner?.tenantUid !== ctx.tenant.uid) continue
      const orphan = tenantCache.get(storeKey(owner.namespace, owner.name)) === undefined
      await note(orphan ? keyOf(plural, owner.namespace, owner.name) : undefined)
    }
  }
  for (const address of driftedAddresses(deps)) await note(keyOf('ipaddresses', '', address))
  for (const namespace of tenant.readyNamespaces.keys()) {
    const superNs = superNamespace(ctx.tenant, namespace)
    if (!superSide.informers.get('namespaces')?.get(superNs)) continue
    await ensureFittings(superNs, deps)
    await pause()
  }
  return drifted
}
