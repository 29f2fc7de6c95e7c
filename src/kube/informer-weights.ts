import { AppError } from '../lib/errors.ts'

/** Told how many bytes more or less a copy is of. False: no more is to be taken in. */
export type Spend = (bytes: number) => boolean

/** An object's places in copies, indexes and queues, beside its fields: a small one takes that much whatever its JSON says. */
const placeBytes = 1024

/** Notes how large an object is that came in, in bytes of its JSON, or with 0 that it went. Throws KUBE_TOO_LARGE when no more is to be taken in. */
export const createWeights = (spend: Spend | undefined, what: string): ((key: string, bytes: number) => void) => {
  if (!spend) return () => {}
  const sizes = new Map<string, number>()
  return (key, bytes) => {
    const weight = bytes === 0 ? 0 : bytes + placeBytes
    const more = weight - (sizes.get(key) ?? 0)
    if (weight === 0) sizes.delete(key)
    else sizes.set(key, weight)
    if (!spend(more) && more > 0) throw new AppError('KUBE_TOO_LARGE', `${what} are more than may be kept`, {})
  }
}

/** Whether something that came in by another way than a list or a watch may be kept: nobody is there whom a refusal would stop. */
export const hasRoom = (weigh: () => void): boolean => {
  try {
    weigh()
    return true
  } catch {
    return false
  }
}
