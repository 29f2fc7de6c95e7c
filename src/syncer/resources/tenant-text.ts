import { rootCaConfigMap, superConfigName } from '../../tenancy/names.ts'

export interface TextContext {
  readonly namespace: string
  readonly superNamespaceName: string
  /** Pairs of a UID in super and the tenant's for the same object. */
  readonly uids?: readonly (readonly [superUid: string, tenantUid: string])[]
}

/** Names of the Secrets that go with a pod, as `podSecretName` makes them, and what a tenant knows their content as. */
const podSecret = /[a-z0-9][a-z0-9.-]*\.[a-z2-7]{12}\.(token|trust|cert)\.berth/g
const podSecretWords: Readonly<Record<string, string>> = {
  token: 'service-account-token',
  trust: 'cluster-trust-bundle',
  cert: 'pod-certificate',
}

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
    known
      .reduce((result, [from, to]) => result.replaceAll(from, to), text)
      .replace(podSecret, (_, kind: string) => podSecretWords[kind] ?? kind)
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
