import type { DataStoreRecord } from '../../apis/store-move.ts'
import type { StoreLook } from '../data-stores/copy-client.ts'
import { quotaBytes } from '../data-stores/etcd-config.ts'
import { prefixIn, storeText } from '../data-stores/in-force.ts'
import { sizeText } from '../data-stores/store-meter.ts'
import type { AlarmKind } from '../data-stores/upkeep.ts'
import type { MoveFinding } from './move-plan.ts'

/** What is known of both ends before anything is changed. */
export interface MoveFacts {
  readonly uid: string
  readonly from: DataStoreRecord
  readonly to: DataStoreRecord
  readonly source: StoreLook & { readonly bytes: number }
  /** Undefined of an own store, which is yet to be made. */
  readonly target: (StoreLook & { readonly alarms: readonly AlarmKind[] }) | undefined
  /** Why an own store cannot be made. */
  readonly hindrance: string | undefined
}

/**
 * Most revisions that a running etcd is raised by. Each is a write: some thousand a second, and about 70 bytes until its history is compacted. (Measured on two busy
 * cores: 2,000 to 2,400 a second.)
 */
export const mostRaised = 200_000

/** The largest part of what etcd may hold that the data of a tenant may be when it moves there: they grow, and have a history. */
const largestShare = 0.5

const overlaps = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a)

const refused = (message: string): MoveFinding => ({ kind: 'refused', message })

/** Whether a tenant can move, and if not, why and what to do. */
export const checkMove = ({ uid, from, to, source, target, hindrance }: MoveFacts): MoveFinding => {
  const name = storeText(to)
  if (hindrance !== undefined) return refused(hindrance)
  if (!target) {
    const room = quotaBytes(to.storageSize ?? '2Gi') * largestShare
    return source.bytes > room
      ? refused(
          `its data are ${sizeText(source.bytes)}, and a storageSize of ${to.storageSize} is made for ${sizeText(room)}: set a larger one`,
        )
      : { kind: 'clear', revision: source.revision }
  }
  const [there, here] = [prefixIn(to, uid), prefixIn(from, uid)]
  if (target.clusterId === source.clusterId && overlaps(there, here)) {
    // What is behind other endpoints of the same etcd need not be copied.
    if (there === here && from.kind !== 'dedicated') return { kind: 'same' }
    return refused(
      `${name} is the etcd that the tenant has, and its keys are below ${here}: name a prefix that neither begins with the other`,
    )
  }
  if (target.alarms.length > 0) return refused(`${name} has the alarm ${target.alarms.join(' and ')}: see etcd's documentation`)
  if (to.kind === 'external' && target.keys > 0)
    return refused(
      `${name} has ${target.keys} keys below ${there}, and what is there is not overwritten: remove them (etcdctl del ${there} --prefix), or name another prefix`,
    )
  const missing = source.revision - target.revision
  if (missing > mostRaised)
    return refused(
      `${name} is at revision ${target.revision} and the tenant's data are at ${source.revision}: clients that have seen those would hear nothing until it is there. Choose an etcd with a higher one, or restore that one with etcdutl snapshot restore --bump-revision ${missing} --mark-compacted`,
    )
  return { kind: 'clear', revision: source.revision }
}
