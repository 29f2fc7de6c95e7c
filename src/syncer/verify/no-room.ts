import { type KubeObject, objectKey } from '../../apis/kube-object.ts'
import { kindKey } from '../../apis/resource-types.ts'
import { amountsOf } from '../quota/amounts.ts'
import { createLedger } from '../quota/ledger.ts'
import { shortageText } from '../quota/over-quota.ts'
import { usageOf } from '../quota/usage.ts'
import type { SyncContext, SyncedResource } from '../resource.ts'
import { resourcesOf } from '../resources/index.ts'
import { ownerOf, updatedObject } from '../super-object.ts'
import { objectsOf, type Snapshot } from './snapshot.ts'

/** Why something is not in super as it is wanted, though nothing is wrong: it waits for room. Undefined: that is not why. */
export type NoRoom = (
  resource: SyncedResource,
  pair: { readonly tenantObject: KubeObject; readonly superObject: KubeObject | undefined; readonly wanted: KubeObject },
) => string | undefined

/** Goes by what there is in super, as the syncer does. */
export const noRoomIn = (snapshot: Snapshot, ctx: SyncContext): NoRoom => {
  const hard = amountsOf(ctx.isolation.quota.hard)
  if (hard.size === 0) return () => undefined
  const ledger = createLedger(hard)
  const keyOf = (kind: string, object: KubeObject): string => `${kind}/${objectKey(object)}`
  for (const resource of resourcesOf(ctx)) {
    const kind = kindKey(resource.type)
    if (resource.byReference) continue
    for (const object of objectsOf(snapshot.superSide, resource.type).filter(ownerOf))
      ledger.put(keyOf(kind, object), usageOf(kind, object, snapshot.takenAt))
  }
  return (resource, { tenantObject, superObject, wanted }) => {
    const kind = kindKey(resource.type)
    if (resource.byReference) return undefined
    const change = superObject && updatedObject(resource, superObject, wanted)
    const asked =
      change?.kind === 'replace'
        ? change.object
        : (resource.atCreation?.(wanted, tenantObject, { ctx, image: undefined }).object ?? wanted)
    const key = keyOf(kind, asked)
    const short = ledger.take(key, usageOf(kind, asked, snapshot.takenAt))
    ledger.release(key)
    return short && shortageText(short, ctx.isolation.quota.hard[short.name])
  }
}
