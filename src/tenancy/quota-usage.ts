import { quantityValue } from '../apis/quantity.ts'

/** Limits over all of a tenant's namespaces, and how much of them is used: quantities by names of a ResourceQuota. */
export interface QuotaUsage {
  readonly hard: Readonly<Record<string, string>>
  readonly used: Readonly<Record<string, string>>
}

/** The same text for the same usage. */
export const quotaUsageText = ({ hard, used }: QuotaUsage): string => JSON.stringify({ hard: sorted(hard), used: sorted(used) })

const sorted = (quantities: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(quantities).toSorted(([a], [b]) => (a < b ? -1 : 1)))

const isQuantities = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string')

/** What `quotaUsageText` wrote; undefined for what it did not write. */
export const readQuotaUsage = (text: string | undefined): QuotaUsage | undefined => {
  if (text === undefined) return undefined
  try {
    const { hard, used } = JSON.parse(text) as Partial<QuotaUsage>
    return isQuantities(hard) && isQuantities(used) ? { hard, used } : undefined
  } catch {
    return undefined
  }
}

/** The limit that is nearest to be reached, as `pods 20/25`: the first of equals by name. */
export const fullestOf = ({ hard, used }: QuotaUsage): string => {
  const share = (name: string): number => {
    const limit = quantityValue(hard[name] ?? '')
    return limit > 0 ? quantityValue(used[name] ?? '0') / limit : 1
  }
  const [name] = Object.keys(hard).toSorted((a, b) => share(b) - share(a) || (a < b ? -1 : 1))
  return name === undefined ? '' : `${name} ${used[name] ?? '0'}/${hard[name]}`
}
