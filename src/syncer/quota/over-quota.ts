import type { KubeObject } from '../../apis/kube-object.ts'
import { kindKey } from '../../apis/resource-types.ts'
import { timestamp } from '../../apis/timestamp.ts'
import type { SyncedResource } from '../resource.ts'
import type { SyncDeps } from '../sides.ts'
import { writeToTenant } from '../write-to-tenant.ts'
import { quantityOf } from './amounts.ts'
import type { Shortage } from './ledger.ts'

/** Reason of the Event, and of a pod's condition PodScheduled. */
const quotaExceeded = 'QuotaExceeded'

/** For people: which limit, how much of it is used, how much is asked for. `like`: the limit as the operator wrote it. */
export const shortageText = ({ name, hard, used, asked }: Shortage, like?: string): string => {
  const [limit, has, wants] = [hard, used, asked].map((amount) => quantityOf(amount, like))
  return `${name}: ${wants} asked for, ${has} of ${limit} used by all namespaces together; it goes on when there is room`
}

interface Condition {
  readonly type: string
  readonly reason?: string
  readonly message?: string
}

/** A pod that has not gone down is Pending, and says why in the condition in which any pod says why it has no node. */
const tellPod = async (resource: SyncedResource, pod: KubeObject, message: string, deps: SyncDeps): Promise<void> => {
  const conditions: readonly Condition[] = pod.status?.conditions ?? []
  const present = conditions.find(({ type }) => type === 'PodScheduled')
  if (present?.reason === quotaExceeded && present.message === message) return
  const scheduled = {
    type: 'PodScheduled',
    status: 'False',
    reason: quotaExceeded,
    message,
    lastTransitionTime: timestamp(new Date(deps.now())),
  }
  const status = { conditions: [...conditions.filter(({ type }) => type !== 'PodScheduled'), scheduled] }
  await writeToTenant({ kind: 'status', status }, resource, pod, deps)
}

/**
 * Takes room for an object as it is to be written. False: there is none, its user has been told, and its key comes again when there is. `isNew`: it is to
 * be made; `isThere`: it is in super already, though its cache does not show it.
 */
export const hasRoom = async (
  resource: SyncedResource,
  object: KubeObject,
  { tenantObject, isNew = false, isThere = false }: { tenantObject: KubeObject; isNew?: boolean; isThere?: boolean },
  deps: SyncDeps,
): Promise<boolean> => {
  const { quota, ctx, recorder } = deps.tenant
  const since = tenantObject.metadata.creationTimestamp ?? ''
  const short = quota?.take(kindKey(resource.type), object, { since, isThere })
  if (!short) return true
  const message = shortageText(short, ctx.isolation.quota.hard[short.name])
  recorder.record(tenantObject, { type: 'Warning', reason: quotaExceeded, message })
  if (isNew && resource.type.kind === 'Pod') await tellPod(resource, tenantObject, message, deps)
  return false
}
