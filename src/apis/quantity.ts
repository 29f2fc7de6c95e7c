import { z } from 'zod'

/** A Kubernetes quantity that is not negative, for example 500m or 2Gi. */
export const quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|[EPTGMK]i?|k)?$/)

/** Powers by the suffix of a Quantity (apimachinery, pkg/api/resource); K, which is none there, as people mean it. */
const scales: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

/** A Kubernetes quantity as a number of its base unit (bytes, cores), near enough to compare; NaN for what is none. */
export const quantityValue = (text: string): number => {
  const [, digits, suffix = '', exponent] = /^([+-]?[0-9.]+)(?:([numkKMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/.exec(text) ?? []
  const scale = exponent === undefined ? scales[suffix] : 10 ** Number(exponent)
  return Number(digits) * (scale ?? Number.NaN)
}
