import { AppError } from '../lib/errors.ts'

/** Told how many bytes more or less a copy is of. False: no more is to be taken in. */
export type Spend = (bytes: number) => boolean

/** Notes how large an object is that came in, in bytes of its JSON, or with 0 that it went. Throws KUBE_TOO_LARGE when no more is to be taken in. */
export const createWeights = (spend: Spend | undefined, what: string): ((key: string, bytes: number) => void) => {
  if (!spend) return () => {}
  const sizes = new Map<string, number>()
  return (key, bytes) => {
    const more = bytes - (sizes.get(key) ?? 0)
    if (bytes === 0) sizes.delete(key)
    else sizes.set(key, bytes)
    if (!spend(more) && more > 0) throw new AppError('KUBE_TOO_LARGE', `${what} are more than may be kept`, {})
  }
}
