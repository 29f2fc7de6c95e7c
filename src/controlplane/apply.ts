import { createHash } from 'node:crypto'
import type { KubeObject } from '../apis/kube-object.ts'
import { apiVersionOf, type ResourceType, resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { lastAppliedAnnotation, wantedHashAnnotation } from '../tenancy/marks.ts'
import { fieldManager } from './names.ts'
import { covers, threeWay } from './three-way.ts'

const types = new Map<string, ResourceType>(
  Object.values(resourceTypes).map((type) => [`${apiVersionOf(type)}/${type.kind}`, type]),
)

/** The resource of an object that Berth itself writes. */
export const typeOf = ({ apiVersion, kind }: KubeObject): ResourceType => {
  const type = types.get(`${apiVersion}/${kind}`)
  if (!type) throw new AppError('KUBE_BAD_REQUEST', `${apiVersion} ${kind} has no resource type`, { apiVersion, kind })
  return type
}

/** Objects of a list do not say what they are. */
export const withType = (object: KubeObject, type: ResourceType): KubeObject => ({
  ...object,
  kind: type.kind,
  apiVersion: apiVersionOf(type),
})

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

type Applier = { readonly kube: KubeClient; readonly signal: AbortSignal }

/** Applies an object to which others may write as well, unless it says what it should: an edit is put back. True when it wrote. */
export const applyUnlessCovered = async (wanted: KubeObject, live: KubeObject | undefined, applier: Applier): Promise<boolean> =>
  isApplied(wanted, live) && covers(live, wanted) ? false : applyWanted(wanted, undefined, applier)

/** What was applied last, as the object itself says; undefined when it says nothing that can be read. */
const lastApplied = ({ metadata }: KubeObject): KubeObject | undefined => {
  try {
    const last: unknown = JSON.parse(metadata.annotations?.[lastAppliedAnnotation] ?? 'null')
    return typeof last === 'object' && last !== null ? (last as KubeObject) : undefined
  } catch {
    return undefined
  }
}

/** The object to apply so that `wanted` comes into force where nobody edited `live`. */
export const keepingEdits = (wanted: KubeObject, live: KubeObject | undefined): KubeObject => {
  const marks = { [lastAppliedAnnotation]: JSON.stringify(wanted), [wantedHashAnnotation]: hashOf(wanted) }
  const merged = (live ? threeWay({ ...wanted }, { ...(lastApplied(live) ?? wanted) }, { ...live }) : wanted) as KubeObject
  const { apiVersion, kind, metadata } = wanted
  return {
    ...merged,
    apiVersion,
    kind,
    metadata: { ...metadata, ...merged.metadata, annotations: { ...merged.metadata?.annotations, ...marks } },
  }
}

/** Creates an object that then belongs to somebody else too, and upgrades of it what nobody edited. True when it wrote. */
export const applyKeepingEdits = async (
  wanted: KubeObject,
  live: KubeObject | undefined,
  { kube, signal }: Applier,
): Promise<boolean> => {
  if (isApplied(wanted, live) || live?.metadata.deletionTimestamp) return false
  await kube.apply(typeOf(wanted), keepingEdits(wanted, live), { fieldManager, force: true, signal })
  return true
}

/** Waits for all of them, also when one fails, so that no write is still under way when the round ends; then throws the first failure. */
export const allOf = async <T>(promises: readonly Promise<T>[]): Promise<T[]> => {
  const settled = await Promise.allSettled(promises)
  const failed = settled.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}
