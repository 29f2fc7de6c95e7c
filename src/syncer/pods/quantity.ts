/** Powers by the suffix of a Quantity (apimachinery, pkg/api/resource). */
const scales: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
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

/** A Quantity as a number, near enough to compare sizes; one that is none counts as endless. */
export const bytesOf = (quantity: string): number => {
  const [, digits, suffix = '', exponent] = /^([+-]?[0-9.]+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/.exec(quantity) ?? []
  const scale = exponent === undefined ? scales[suffix] : 10 ** Number(exponent)
  const value = Number(digits) * (scale ?? Number.NaN)
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value
}
