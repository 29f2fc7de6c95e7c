import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import {
  managedByBerth,
  managedByLabel,
  usageLabel,
  usageMonthLabel,
  usageStandingAnnotation,
  usageTenantAnnotation,
} from '../tenancy/marks.ts'
import { usageObjectName } from '../tenancy/names.ts'
import { standingSchema } from './advance.ts'
import { type Amounts, addAmounts, noAmounts, readAmounts, writeAmounts } from './amounts.ts'
import { type ByHour, dayOf, hourMs, mergeHours, monthOf, monthStart } from './hours.ts'

/** Whose usage it is. */
export interface MeteredTenant {
  readonly uid: string
  readonly name: string
  /** Of the TenantControlPlane. */
  readonly namespace: string
}

/** Usage of one tenant in one month. What is in `days` is not in `hours`: old hours are put together. */
export interface Ledger {
  readonly tenant: MeteredTenant
  readonly month: string
  readonly hours: ByHour
  /** By the beginning of the day, ms since 1970. */
  readonly days: ByHour
}

/** Who wrote last, how often, and how far the tenant was measured then. */
export const stampSchema = z.object({
  /** Another one for each start of a meter. */
  writer: z.string().max(64),
  /** Of that writer's writes for this tenant. */
  batch: z.int().min(0),
  standing: standingSchema,
})
export type Stamp = z.output<typeof stampSchema>

const dataKey = 'usage'
/** Far more than a month can have: 744 hours and 31 days of nine numbers. */
const longestText = 512 * 1024
const uidPattern = /^[0-9a-zA-Z-]{1,64}$/
const monthPattern = /^\d{4}-(0[1-9]|1[0-2])$/

const entries = z.record(z.string().max(5), z.string().max(1000))
const stored = z.object({ hours: entries, days: entries })

export const emptyLedger = (tenant: MeteredTenant, month: string): Ledger => ({
  tenant,
  month,
  hours: new Map(),
  days: new Map(),
})

const two = (number: number): string => String(number).padStart(2, '0')
/** `22T10`, `22`: the month is the object's. */
const hourKey = (at: number): string => `${two(new Date(at).getUTCDate())}T${two(new Date(at).getUTCHours())}`
const dayKey = (at: number): string => two(new Date(at).getUTCDate())

const momentOf = (key: string, month: string): number | undefined => {
  const [, day, hour] = /^(\d\d)(?:T(\d\d))?$/.exec(key) ?? []
  if (day === undefined) return undefined
  const at = monthStart(month) + (Number(day) - 1) * 24 * hourMs + Number(hour ?? 0) * hourMs
  return Number(hour ?? 0) < 24 && monthOf(at) === month ? at : undefined
}

const textsOf = (byHour: ByHour, keyOf: (at: number) => string): Record<string, string> =>
  Object.fromEntries([...byHour].toSorted(([a], [b]) => a - b).map(([at, amounts]) => [keyOf(at), writeAmounts(amounts)]))

const readTexts = (texts: Readonly<Record<string, string>>, month: string): ByHour => {
  const read = new Map<number, Amounts>()
  for (const [key, text] of Object.entries(texts)) {
    const at = momentOf(key, month)
    const amounts = readAmounts(text)
    if (at !== undefined && amounts) read.set(at, amounts)
  }
  return read
}

const parsed = (text: unknown): unknown => {
  try {
    return typeof text === 'string' && text.length <= longestText ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

/** Of which tenant and month an object is; undefined for one that is not as Berth names them. Whoever may write ConfigMaps there can label any. */
export const ledgerPlace = ({ metadata }: KubeObject): { readonly tenant: MeteredTenant; readonly month: string } | undefined => {
  const { name, namespace = '', labels, annotations } = metadata
  const [uid, month] = [labels?.[usageLabel] ?? '', labels?.[usageMonthLabel] ?? '']
  if (!uidPattern.test(uid) || !monthPattern.test(month) || name !== usageObjectName(uid, month)) return undefined
  return { tenant: { uid, namespace, name: (annotations?.[usageTenantAnnotation] ?? '').slice(0, 253) }, month }
}

/** The ledger in an object. Undefined for one that cannot be read: it is left as it is. */
export const readLedger = (object: KubeObject): Ledger | undefined => {
  const place = ledgerPlace(object)
  const read = stored.safeParse(parsed(object['data']?.[dataKey]))
  if (!place || !read.success) return undefined
  return { ...place, hours: readTexts(read.data.hours, place.month), days: readTexts(read.data.days, place.month) }
}

/** The stamp of an object, or of its metadata alone. */
export const readStamp = ({ metadata }: KubeObject): Stamp | undefined => {
  const read = stampSchema.safeParse(parsed(metadata.annotations?.[usageStandingAnnotation]))
  return read.success ? read.data : undefined
}

export const ledgerObject = ({ tenant, month, hours, days }: Ledger, stamp: Stamp | undefined): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: usageObjectName(tenant.uid, month),
    namespace: tenant.namespace,
    labels: { [managedByLabel]: managedByBerth, [usageLabel]: tenant.uid, [usageMonthLabel]: month },
    annotations: {
      [usageTenantAnnotation]: tenant.name,
      ...(stamp && { [usageStandingAnnotation]: JSON.stringify(stamp) }),
    },
  },
  data: { [dataKey]: JSON.stringify({ hours: textsOf(hours, hourKey), days: textsOf(days, dayKey) }) },
})

/** With more hours in it. */
export const withHours = (ledger: Ledger, added: ByHour): Ledger => ({ ...ledger, hours: mergeHours(ledger.hours, added) })

/** With the hours of days that ended before `before` put together to days. Sums stay what they are. */
export const folded = (ledger: Ledger, before: number): Ledger => {
  const end = dayOf(before)
  const old = [...ledger.hours].filter(([hour]) => hour < end)
  if (old.length === 0) return ledger
  const days = new Map(ledger.days)
  for (const [hour, amounts] of old) days.set(dayOf(hour), addAmounts(days.get(dayOf(hour)) ?? noAmounts, amounts))
  return { ...ledger, days, hours: new Map([...ledger.hours].filter(([hour]) => hour >= end)) }
}

/** Amounts by the month that they go to, the earliest first. */
export const byMonth = (hours: ByHour): readonly (readonly [month: string, hours: ByHour])[] => {
  const months = new Map<string, Map<number, Amounts>>()
  for (const [hour, amounts] of [...hours].toSorted(([a], [b]) => a - b)) {
    const month = months.get(monthOf(hour)) ?? new Map<number, Amounts>()
    months.set(monthOf(hour), month.set(hour, amounts))
  }
  return [...months]
}
