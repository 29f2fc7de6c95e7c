/** Amounts by name of a ResourceQuota, in billionths of the base unit (cores, bytes, pieces): sums of these are exact, those of floating numbers are not. */
export type Amounts = ReadonlyMap<string, bigint>

/** Billionths in one. */
export const one = 1_000_000_000n
const decimals = 9

const binaryPowers: Readonly<Record<string, bigint>> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n }
const decimalPowers: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, K: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE]i)|([numkKMGTPE])|[eE]([+-]?\d{1,3}))?$/

/** A Kubernetes quantity (apimachinery, pkg/api/resource) in billionths; less than one of these is rounded up, as Kubernetes does. Undefined for what is none. */
export const amountOf = (text: unknown): bigint | undefined => {
  const [, sign, whole = '', part = '', binary, suffix, exponent] = pattern.exec(String(text)) ?? []
  if (whole + part === '') return undefined
  const power = exponent === undefined ? (decimalPowers[suffix ?? ''] ?? 0) : Number(exponent)
  const scale = power + decimals - part.length
  const digits = BigInt(whole + part) * (binary === undefined ? 1n : 1024n ** (binaryPowers[binary] ?? 0n))
  const divisor = 10n ** BigInt(Math.max(0, -scale))
  const value = (digits * 10n ** BigInt(Math.max(0, scale)) + divisor - 1n) / divisor
  return sign === '-' ? -value : value
}

const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']

const shortest = (value: bigint, base: bigint, suffixes: readonly string[]): string => {
  let [left, at] = [value, 0]
  while (left !== 0n && at + 1 < suffixes.length && left % base === 0n) {
    left /= base
    at += 1
  }
  return `${left}${left === 0n ? '' : suffixes[at]}`
}

/** The shortest exact quantity of an amount. `like`: another one, whose kind of suffixes (Mi or M) it takes where it can. */
export const quantityOf = (amount: bigint, like = ''): string =>
  like.endsWith('i') && amount % one === 0n
    ? shortest(amount / one, 1024n, binarySuffixes)
    : shortest(amount, 1000n, decimalSuffixes)

/** Quantities as amounts; what is no quantity is left out. */
export const amountsOf = (quantities: Readonly<Record<string, unknown>> | undefined): Map<string, bigint> =>
  new Map(
    Object.entries(quantities ?? {}).flatMap(([name, text]) => {
      const amount = amountOf(text)
      return amount === undefined ? [] : [[name, amount] as const]
    }),
  )

/** Adds to `sum`. */
export const add = (sum: Map<string, bigint>, more: Amounts): void => {
  for (const [name, amount] of more) sum.set(name, (sum.get(name) ?? 0n) + amount)
}

/** The larger of each. */
export const largest = (...all: readonly Amounts[]): Map<string, bigint> => {
  const result = new Map<string, bigint>()
  for (const amounts of all)
    for (const [name, amount] of amounts) {
      const known = result.get(name)
      if (known === undefined || amount > known) result.set(name, amount)
    }
  return result
}
