import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { AppError } from '../lib/errors.ts'
import { inTurns } from '../lib/in-turns.ts'
import { usageLabel } from '../tenancy/marks.ts'
import { usageObjectName } from '../tenancy/names.ts'
import { monthOf } from '../usage/hours.ts'
import { ledgerPlace, type MeteredTenant, readLedger } from '../usage/ledger.ts'
import { listLedgers } from '../usage/ledger-objects.ts'
import { rowsOf, shownAmounts, type UsagePeriod, type UsageRow } from '../usage/report.ts'
import { cursorOf, readCursor } from './cursor.ts'
import type { ApiDeps } from './deps.ts'

const readAtOnce = 8

/** One row as it is shown. */
export type ShownUsage = ReturnType<typeof shown>

const time = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z')

const shown = ({
  tenant,
  row,
  deleted,
}: {
  readonly tenant: MeteredTenant
  readonly row: UsageRow
  readonly deleted: boolean
}) => ({
  organization: tenant.namespace,
  tenant: tenant.name,
  uid: tenant.uid,
  deleted,
  from: time(row.from),
  to: time(row.to),
  ...shownAmounts(row.amounts),
})

/** In the order of a list: the tenant, then the time, as text that sorts so. */
const keyOf = (uid: string, row: UsageRow): string => `${uid} ${String(row.from).padStart(15, '0')}`

interface Metered {
  readonly tenant: MeteredTenant
  readonly months: readonly string[]
}

/** Tenants of an organisation with usage, and the months that they have it in, by their UIDs: those that are gone as well. */
const meteredTenants = async (organization: string, { kube }: Pick<ApiDeps, 'kube'>): Promise<readonly Metered[]> => {
  const found = new Map<string, Metered>()
  await listLedgers(kube, { namespace: organization, labelSelector: usageLabel, metadataOnly: true }, (object) => {
    const place = ledgerPlace(object)
    if (!place) return
    const { uid } = place.tenant
    found.set(uid, { tenant: place.tenant, months: [...(found.get(uid)?.months ?? []), place.month] })
  })
  return [...found.values()].toSorted((a, b) => (a.tenant.uid < b.tenant.uid ? -1 : 1))
}

const rowsOfTenant = async (
  { tenant, months }: Metered,
  period: UsagePeriod,
  { kube }: Pick<ApiDeps, 'kube'>,
): Promise<readonly UsageRow[]> => {
  const wanted = months.filter((month) => month >= monthOf(period.from) && month <= monthOf(period.to - 1))
  const ledgers = await inTurns(wanted, readAtOnce, async (month) => {
    const place = { name: usageObjectName(tenant.uid, month), namespace: tenant.namespace }
    const object = await kube.get<KubeObject>(resourceTypes.configMaps, place)
    return object && readLedger(object)
  })
  return rowsOf(
    ledgers.filter((ledger) => ledger !== undefined),
    period,
  )
}

export interface UsagePage {
  readonly items: readonly ShownUsage[]
  readonly nextCursor?: string
}

/** One page of what tenants used. No more is read than is shown, and the months of one tenant more. Throws TENANT_NOT_FOUND for a name or UID that never was one. */
export const usagePage = async (
  {
    organization,
    tenant: wanted,
    period,
    cursor,
    limit,
  }: {
    readonly organization: string
    /** Name or UID; a name is of all that ever had it. Undefined: all tenants. */
    readonly tenant?: string | undefined
    readonly period: UsagePeriod
    readonly cursor?: string | undefined
    readonly limit: number
  },
  deps: Pick<ApiDeps, 'kube' | 'caches'>,
): Promise<UsagePage> => {
  const after = cursor === undefined ? '' : readCursor(cursor)
  const present = new Map(deps.caches.tenants(organization).map(({ metadata }) => [metadata.uid, metadata.name]))
  const isWanted = (name: string | undefined, uid: string | undefined) =>
    wanted === undefined || name === wanted || uid === wanted
  const metered = (await meteredTenants(organization, deps)).filter(({ tenant }) => isWanted(tenant.name, tenant.uid))
  if (metered.length === 0 && wanted !== undefined && ![...present].some(([uid, name]) => isWanted(name, uid)))
    throw new AppError(
      'TENANT_NOT_FOUND',
      `organisation ${organization} has no tenant ${JSON.stringify(wanted.slice(0, 100))}, and no usage of one`,
      {},
    )
  const items: ShownUsage[] = []
  let last = ''
  for (const each of metered) {
    if (each.tenant.uid < (after.split(' ')[0] ?? '')) continue
    for (const row of await rowsOfTenant(each, period, deps)) {
      const key = keyOf(each.tenant.uid, row)
      if (key <= after) continue
      if (items.length === limit) return { items, nextCursor: cursorOf(last) }
      items.push(shown({ tenant: each.tenant, row, deleted: !present.has(each.tenant.uid) }))
      last = key
    }
  }
  return { items }
}
