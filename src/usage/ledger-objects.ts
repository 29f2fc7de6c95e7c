import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { usageLabel, usageMonthLabel } from '../tenancy/marks.ts'
import { usageObjectName } from '../tenancy/names.ts'
import { type ByHour, monthOf } from './hours.ts'
import {
  byMonth,
  emptyLedger,
  folded,
  type Ledger,
  ledgerObject,
  ledgerPlace,
  type MeteredTenant,
  readLedger,
  readStamp,
  type Stamp,
  withHours,
} from './ledger.ts'

const type = resourceTypes.configMaps
const pageSize = 200
/** Of a write that others got before us: each time what they wrote is read first. */
const attempts = 4

/** What one write brings. The same one may be brought again after a failure that says nothing: it counts once. */
export interface Batch {
  readonly tenant: MeteredTenant
  readonly hours: ByHour
  readonly stamp: Stamp
  /** How far the tenant was measured when this writer took it up; what goes further is of another writer. */
  readonly takenUpAt: number
}

/** Another meter has written for this tenant since: what is in memory has been measured twice. */
export type Written = 'written' | { readonly kind: 'foreign'; readonly stamp: Stamp }

/** All that the months of a namespace, or of all of them, have. Pages of 200. */
export const listLedgers = async (
  client: Pick<KubeClient, 'list'>,
  {
    labelSelector = usageLabel,
    namespace,
    metadataOnly,
    signal,
  }: {
    readonly labelSelector?: string
    readonly namespace?: string
    readonly metadataOnly?: boolean
    readonly signal?: AbortSignal
  },
  each: (object: KubeObject) => void | Promise<void>,
): Promise<void> => {
  let continueToken: string | undefined
  do {
    const page = await client.list<KubeObject>(type, {
      labelSelector,
      limit: pageSize,
      timeoutMs: 30_000,
      ...(namespace !== undefined && { namespace }),
      ...(metadataOnly && { metadataOnly }),
      ...(signal && { signal }),
      ...(continueToken !== undefined && { continueToken }),
    })
    for (const object of page.items) await each(object)
    continueToken = page.metadata.continue || undefined
  } while (continueToken !== undefined)
}

/** Of each organisation. One that lets nobody in yet, or is gone, is passed over. */
const inEach = async (organizations: readonly string[], work: (namespace: string) => Promise<void>): Promise<void> => {
  for (const namespace of organizations) {
    await work(namespace).catch((error: unknown) => {
      if (!hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_NOT_FOUND')) throw error
    })
  }
}

/** Where each tenant that was measured this month or the last one stands, by UID. */
export const readStandings = async (
  client: Pick<KubeClient, 'list'>,
  input: { readonly organizations: readonly string[]; readonly months: readonly string[]; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, Stamp>> => {
  const { organizations, months, signal } = input
  const standings = new Map<string, Stamp>()
  const labelSelector = `${usageLabel},${usageMonthLabel} in (${months.join(',')})`
  await inEach(organizations, (namespace) =>
    listLedgers(client, { namespace, labelSelector, metadataOnly: true, signal }, (object) => {
      const place = ledgerPlace(object)
      const stamp = readStamp(object)
      if (!place || !stamp) return
      const known = standings.get(place.tenant.uid)
      if (!known || known.standing.tenant.at < stamp.standing.tenant.at) standings.set(place.tenant.uid, stamp)
    }),
  )
  return standings
}

const isForeign = (there: Stamp, { stamp, takenUpAt }: Batch): boolean =>
  there.writer !== stamp.writer && there.standing.tenant.at > takenUpAt

/** Writes one month of a batch, once. Throws what the API server says. */
const writeMonth = async (
  month: string,
  hours: ByHour,
  { batch, foldBefore, signal }: { readonly batch: Batch; readonly foldBefore: number; readonly signal: AbortSignal },
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>,
): Promise<Written> => {
  const { tenant, stamp } = batch
  const place = { name: usageObjectName(tenant.uid, month), namespace: tenant.namespace }
  for (let attempt = 1; ; attempt += 1) {
    const there = await client.get<KubeObject>(type, place, { signal })
    const before = there && readStamp(there)
    if (before && isForeign(before, batch)) return { kind: 'foreign', stamp: before }
    // An answer was lost: it is written.
    if (before?.writer === stamp.writer && before.batch >= stamp.batch) return 'written'
    const read = there && readLedger(there)
    if (there && !read)
      throw new AppError(
        'STATE_CONFLICT',
        `ConfigMap ${tenant.namespace}/${place.name} does not hold usage any more: move it away, so that usage can be written`,
        { tenant: tenant.uid },
      )
    const ledger: Ledger = folded(withHours(read ?? emptyLedger(tenant, month), hours), foldBefore)
    const object = ledgerObject({ ...ledger, tenant }, stamp)
    try {
      if (there) {
        const { uid, resourceVersion } = there.metadata
        await client.replace(
          type,
          { ...object, metadata: { ...object.metadata, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) } },
          { signal },
        )
      } else await client.create(type, object, { signal })
      return 'written'
    } catch (error) {
      if (attempt >= attempts || !hasCode(error, 'KUBE_CONFLICT', 'KUBE_ALREADY_EXISTS')) throw error
    }
  }
}

/**
 * Writes a batch: the months in order, each guarded by what was read, so that one of them is never counted twice, whoever is killed when. A process that ends between
 * two months has lost what the second one would have got: minutes, once a month at most.
 */
export const writeBatch = async (
  batch: Batch,
  { foldBefore, signal }: { readonly foldBefore: number; readonly signal: AbortSignal },
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>,
): Promise<Written> => {
  const months = byMonth(batch.hours)
  // Where it stands has to be known from the newest month, even if nothing came up in it yet.
  const newest = monthOf(batch.stamp.standing.tenant.at)
  const all = months.some(([month]) => month === newest) ? months : [...months, [newest, new Map()] as const]
  for (const [month, hours] of all) {
    const written = await writeMonth(month, hours, { batch, foldBefore, signal }, client)
    if (written !== 'written') return written
  }
  return 'written'
}

/** Puts old hours together to days, and removes months that are no longer kept. Objects that change meanwhile are left for the next time. */
export const tidyLedgers = async (
  {
    organizations,
    foldBefore,
    months,
    oldestMonth,
    signal,
  }: {
    readonly organizations: readonly string[]
    readonly foldBefore: number
    readonly months: readonly string[]
    readonly oldestMonth: string
    readonly signal: AbortSignal
  },
  client: Pick<KubeClient, 'list' | 'replace' | 'delete'>,
): Promise<{ readonly folded: number; readonly removed: number }> => {
  const done = { folded: 0, removed: 0 }
  const unlessChanged = async (work: () => Promise<unknown>): Promise<number> => {
    try {
      await work()
      return 1
    } catch (error) {
      if (hasCode(error, 'KUBE_CONFLICT', 'KUBE_NOT_FOUND')) return 0
      throw error
    }
  }
  const removeOld = async (object: KubeObject): Promise<void> => {
    const place = ledgerPlace(object)
    if (!place || place.month >= oldestMonth) return
    const { name = '', namespace = '', uid, resourceVersion } = object.metadata
    const precondition = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }), signal }
    done.removed += await unlessChanged(() => client.delete(type, { name, namespace }, precondition))
  }
  const fold = async (object: KubeObject): Promise<void> => {
    const ledger = readLedger(object)
    const after = ledger && folded(ledger, foldBefore)
    if (!after || after === ledger) return
    const { data } = ledgerObject(after, undefined)
    done.folded += await unlessChanged(() => client.replace(type, { ...object, data }, { signal }))
  }
  const labelSelector = `${usageLabel},${usageMonthLabel} in (${months.join(',')})`
  await inEach(organizations, async (namespace) => {
    await listLedgers(client, { namespace, metadataOnly: true, signal }, removeOld)
    await listLedgers(client, { namespace, labelSelector, signal }, fold)
  })
  return done
}
