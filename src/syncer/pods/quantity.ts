import { quantityValue } from '../../apis/quantity.ts'

/** A Quantity as a number, near enough to compare sizes; one that is none counts as endless. */
export const bytesOf = (quantity: string): number => {
  const value = quantityValue(quantity)
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value
}
