import { createHash } from 'node:crypto'
import type { KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { wantedHashAnnotation } from '../tenancy/marks.ts'
import { fieldManager } from './names.ts'

const types = new Map<string, ResourceType>(
  Object.values(resourceTypes).map((type) => [`${apiVersionOf(type)}/${type.kind}`, type]),
)

/** The resource of an object that Berth itself writes. */
export const typeOf = ({ apiVersion, kind }: KubeObject): ResourceType => {
  const type = types.get(`${apiVersion}/${kind}`)
  if (!type) throw new AppError('KUBE_BAD_REQUEST', `${apiVersion} ${kind} has no resource type`, { apiVersion, kind })
  return type
}

/** JSON with keys in order, so that equal values have equal text. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`)
    .join(',')}}`
}

/** Hash of anything that is JSON. */
export const hashOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex').slice(0, 32)

/** The object with the hash of itself: what the server adds to it later is no difference. */
export const withWantedHash = (object: KubeObject): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [wantedHashAnnotation]: hashOf(object) } },
})

/** True when `live` was last applied from this very `wanted`. */
export const isApplied = (wanted: KubeObject, live: KubeObject | undefined): boolean =>
  live?.metadata.annotations?.[wantedHashAnnotation] === hashOf(wanted) && live.metadata.deletionTimestamp === undefined

/** Applies an object unless it was applied as it is already. True when it wrote. */
export const applyWanted = async (
  wanted: KubeObject,
  live: KubeObject | undefined,
  { kube, signal }: { kube: KubeClient; signal: AbortSignal },
): Promise<boolean> => {
  if (isApplied(wanted, live)) return false
  await kube.apply(typeOf(wanted), withWantedHash(wanted), { fieldManager, force: true, signal })
  return true
}

/** Waits for all of them, also when one fails, so that no write is still under way when the round ends; then throws the first failure. */
export const allOf = async <T>(promises: readonly Promise<T>[]): Promise<T[]> => {
  const settled = await Promise.allSettled(promises)
  const failed = settled.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}
