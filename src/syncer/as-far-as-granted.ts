import type { KubeObject } from '../apis/kube-object.ts'
import { AppError } from '../lib/errors.ts'
import type { SyncedResource } from './resource.ts'

/** Asks for less and less while super says what of it cannot be had. */
export const asFarAsGranted = async (
  { relaxed }: SyncedResource,
  wanted: KubeObject,
  ask: (wanted: KubeObject) => Promise<KubeObject>,
): Promise<KubeObject> => {
  for (let asked = wanted; ; ) {
    try {
      return await ask(asked)
    } catch (error) {
      const less = error instanceof AppError ? relaxed?.(asked, error) : undefined
      if (!less) throw error
      asked = less
    }
  }
}
