import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import { tenantEventTypes } from '../jobs/webhooks/event-types.ts'
import { managedByBerth, managedByLabel, toldLabel } from '../tenancy/marks.ts'
import type { TenantEvent, ToldTenants } from './told.ts'

const tenant = z.object({
  name: z.string(),
  is: z.enum(['starting', 'ready', 'not_ready', 'paused']),
  version: z.string().optional(),
})
const event = z.object({
  id: z.string(),
  type: z.enum(tenantEventTypes),
  time: z.string(),
  tenant: z.string(),
  uid: z.string(),
  previousVersion: z.string().optional(),
  isFirst: z.literal(true).optional(),
})
const noted = event.extend({ told: z.object({ in: z.string(), at: z.string() }).optional() })
const record = z.object({ tenants: z.record(z.string(), tenant), outbox: z.array(noted) })

/** An event, and when its deliveries were added: by the epoch of the queue they went to. */
export interface NotedEvent extends TenantEvent {
  readonly told?: { readonly in: string; readonly at: string } | undefined
}

/** What webhooks of an organisation were told of some of its tenants; what they are to be told, or were told lately, should the queue lose it. */
export interface ToldRecord {
  readonly tenants: ToldTenants
  readonly outbox: readonly NotedEvent[]
}

/** A delivery is tried for less than a day: then the queue has no need of it any more. */
const keptMs = 24 * 3_600_000
const mostKept = 500

/** The events that are noted still: those that were not told, and what was told lately. */
export const stillNoted = (outbox: readonly NotedEvent[], now: Date): readonly NotedEvent[] => {
  const told = outbox.filter((each) => each.told && now.getTime() - Date.parse(each.told.at) < keptMs).slice(-mostKept)
  return outbox.filter((each) => !each.told || told.includes(each))
}

/** An organisation has a few of these objects, so that none grows too large: which one a tenant is in says the start of its UID. */
const shards = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'] as const
type Shard = (typeof shards)[number]
const shardOf = (uid: string): Shard => shards.find((each) => uid.startsWith(each)) ?? '0'
const objectName = (shard: Shard): string => `berth-told-${shard}`

/** The records of an organisation by their shards. */
export type ToldObjects = ReadonlyMap<Shard, KubeObject>

/** What an object says; nothing for one that cannot be read: then its tenants are looked at as if for the first time. */
const parsed = ({ data }: KubeObject): ToldRecord => {
  try {
    return record.parse(JSON.parse(String(data?.told)))
  } catch {
    return { tenants: {}, outbox: [] }
  }
}

/** An object is looked at as often as anything changes. */
const known = new WeakMap<KubeObject, ToldRecord>()
const readRecord = (object: KubeObject): ToldRecord => {
  const read = known.get(object) ?? parsed(object)
  known.set(object, read)
  return read
}

/** Those of the objects that are records. */
export const toldObjects = (objects: readonly KubeObject[]): ToldObjects =>
  new Map(
    objects.flatMap((object) => {
      const shard = shards.find((each) => objectName(each) === object.metadata.name)
      return shard === undefined ? [] : [[shard, object] as const]
    }),
  )

/** All records of an organisation as one. */
export const wholeRecord = (objects: ToldObjects): ToldRecord => {
  const records = Array.from(objects.values(), readRecord)
  return {
    tenants: Object.assign({}, ...records.map(({ tenants }) => tenants)) as ToldTenants,
    outbox: records.flatMap(({ outbox }) => outbox),
  }
}

/** The objects that have to be written for a record to be `wanted`. */
export const toldWrites = (
  namespace: string,
  wanted: ToldRecord,
  objects: ToldObjects,
): readonly (readonly [shard: Shard, object: KubeObject])[] =>
  shards.flatMap((shard) => {
    const there = objects.get(shard)
    const own: ToldRecord = {
      tenants: Object.fromEntries(Object.entries(wanted.tenants).filter(([uid]) => shardOf(uid) === shard)),
      outbox: wanted.outbox.filter(({ uid }) => shardOf(uid) === shard),
    }
    const isEmpty = Object.keys(own.tenants).length === 0 && own.outbox.length === 0
    const told = JSON.stringify(own)
    if (there ? there['data']?.told === told : isEmpty) return []
    const { resourceVersion, uid } = there?.metadata ?? {}
    const metadata = {
      name: objectName(shard),
      namespace,
      labels: { [managedByLabel]: managedByBerth, [toldLabel]: 'true' },
      ...(there && { resourceVersion, uid }),
    }
    return [[shard, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { told } }] as const]
  })
