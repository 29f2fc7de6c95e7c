/**
 * What is counted of a tenant. Whole numbers of units so small that sums are exact: hours are made of them where they are shown. Their order is that of what is
 * stored: new ones go to the end.
 */
export const amountNames = [
  /** Milliseconds that the tenant was there. */
  'existedMs',
  /** Milliseconds that its control plane ran: neither being made, nor paused, nor hibernated. */
  'ranMs',
  /** Milli-cores that its pods had reserved, times milliseconds. */
  'cpu',
  /** Bytes that its pods had reserved, times milliseconds. */
  'memory',
  /** Bytes of its bound volume claims, times milliseconds. */
  'storage',
  /** Objects that its API server stored, times milliseconds. */
  'objects',
  /** Requests that its API server answered. */
  'requests',
  /** Milliseconds in which nobody knows what its pods and claims were. */
  'unmeasuredWorkloadMs',
  /** Milliseconds in which nobody knows what its API server held. */
  'unmeasuredApiMs',
] as const

export type AmountName = (typeof amountNames)[number]
export type Amounts = Readonly<Record<AmountName, bigint>>

const of = (make: (name: AmountName) => bigint): Amounts =>
  Object.fromEntries(amountNames.map((name) => [name, make(name)])) as Record<AmountName, bigint>

export const noAmounts: Amounts = of(() => 0n)

export const addAmounts = (a: Amounts, b: Partial<Amounts>): Amounts => of((name) => a[name] + (b[name] ?? 0n))

/** As it is stored: the numbers in order, with spaces between. */
export const writeAmounts = (amounts: Amounts): string => amountNames.map((name) => amounts[name]).join(' ')

/** What `writeAmounts` wrote, or an earlier version that counted less; undefined for anything else. */
export const readAmounts = (text: unknown): Amounts | undefined => {
  if (typeof text !== 'string' || text.length > 1000 || !/^\d{1,40}( \d{1,40})*$/.test(text)) return undefined
  const numbers = text.split(' ').map(BigInt)
  return numbers.length > amountNames.length ? undefined : of((name) => numbers[amountNames.indexOf(name)] ?? 0n)
}
