import { z } from 'zod'

/** A Kubernetes quantity that is not negative, for example 500m or 2Gi. */
export const quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|[EPTGMK]i?|k)?$/)

const units: Record<string, number> = {
  '': 1,
  m: 1e-3,
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

/** A Kubernetes quantity as a number of its base unit (bytes, cores); NaN for what is none. */
export const quantityValue = (quantity: string): number => {
  const [, number = '', unit = ''] = /^([0-9]+(?:\.[0-9]+)?)([a-zA-Z]*)$/.exec(quantity) ?? []
  return Number(number || Number.NaN) * (units[unit] ?? Number.NaN)
}
