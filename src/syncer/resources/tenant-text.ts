import { rootCaConfigMap, superConfigName } from '../../tenancy/names.ts'

export interface TextContext {
  readonly namespace: string
  readonly superNamespaceName: string
  /** Pairs of a UID in super and the tenant's for the same object. */
  readonly uids?: readonly (readonly [superUid: string, tenantUid: string])[]
}

/** Name of a pod's token Secret, as `tokenSecretName` makes it. */
const tokenSecret = /[a-z0-9][a-z0-9.-]*\.[a-z2-7]{12}\.token\.berth/g

/**
 * How a text of super reads in the tenant: namespace and UIDs are the tenant's, and names that only super knows are gone. The super namespace's name holds a
 * hash, so nothing else can be meant by it.
 */
export const tenantText = ({ namespace, superNamespaceName, uids = [] }: TextContext): ((text: string) => string) => {
  const pairs: readonly (readonly [string, string])[] = [
    [superNamespaceName, namespace],
    ...uids,
    [superConfigName(rootCaConfigMap), rootCaConfigMap],
  ]
  const known = pairs.filter(([from, to]) => from !== '' && from !== to)
  return (text) =>
    known.reduce((result, [from, to]) => result.replaceAll(from, to), text).replace(tokenSecret, 'service-account-token')
}

/** A copy of `value` whose `message` fields, at any depth, went through `text`. */
export const mapMessages = <T>(value: T, text: (message: string) => string): T => {
  if (Array.isArray(value)) return value.map((item: unknown) => mapMessages(item, text)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'message' && typeof inner === 'string' ? text(inner) : mapMessages(inner, text),
    ]),
  ) as T
}
