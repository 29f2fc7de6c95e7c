import { createHash } from 'node:crypto'

/** A tenant as names need it. */
export interface TenantRef {
  /** UID of the TenantControlPlane: the tenant's identity, never re-used. */
  readonly uid: string
  /** Name of the TenantControlPlane: only for people to read. */
  readonly name: string
  /** Namespace of the TenantControlPlane. */
  readonly namespace: string
}

export const systemNamespace = 'berth-system'
/** Namespace of the ServiceAccount names that stand for tenants in super. RBAC can then allow to impersonate exactly these. */
export const tenantIdentityNamespace = 'berth-tenants'
/** ServiceAccount that synced pods carry in super; its token is never mounted. */
export const workloadServiceAccount = 'berth-workload'
/** ClusterRole that each super namespace binds for its tenant's identity. */
export const tenantClusterRole = 'berth:tenant'
/** Its counterpart for declared kinds, whose rules come from roles that the operator labels. */
export const customKindsClusterRole = 'berth:tenant-custom-kinds'

const base32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** `length` lower-case base32 characters (RFC 4648 alphabet) of SHA-256 over the parts, joined by NUL so that no two lists collide. */
export const shortHash = (parts: readonly string[], length = 16): string => {
  const digest = createHash('sha256').update(parts.join('\0')).digest()
  let bits = 0
  let value = 0
  let text = ''
  for (const byte of digest) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5 && text.length < length) {
      text += base32[(value >>> (bits - 5)) & 31]
      bits -= 5
    }
    value &= (1 << bits) - 1
    if (text.length === length) break
  }
  return text
}

/** Readable start of a DNS label: lower case letters, digits and dashes, at most `max` characters, never ending in a dash. */
const readable = (text: string, max: number): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, max)
    .replace(/^-+|-+$/g, '') || 'x'

/** Names made before, by what they were made of: each object of a tenant asks for its namespace's several times. Emptied when full. */
const superNamespaces = new Map<string, string>()
const superNamespacesKept = 20_000

/** The super namespace that backs one tenant namespace: `<tenant>-<namespace>-<16 base32>`, at most 63 characters, injective by its hash. */
export const superNamespace = (tenant: Pick<TenantRef, 'uid' | 'name'>, namespace: string): string => {
  const made = `${tenant.uid}\0${tenant.name}\0${namespace}`
  const known = superNamespaces.get(made)
  if (known !== undefined) return known
  const name = `${readable(tenant.name, 20)}-${readable(namespace, 25)}-${shortHash([tenant.uid, namespace])}`
  if (superNamespaces.size >= superNamespacesKept) superNamespaces.clear()
  superNamespaces.set(made, name)
  return name
}

/** The namespace in management that holds a tenant's control plane and private keys. */
export const controlPlaneNamespace = (tenant: TenantRef): string =>
  `berth-${readable(tenant.name, 40)}-${shortHash([tenant.uid, tenant.namespace, tenant.name], 16)}`

/** Name of the kubeconfig Secret in the TenantControlPlane's own namespace. */
export const kubeconfigSecretName = (tenantName: string): string => `${tenantName}-kubeconfig`

/** User name that stands for a tenant in super. A ServiceAccount name, because RBAC can limit impersonation of those by namespace. */
export const tenantIdentityName = (uid: string): string => `tenant-${uid}`
export const tenantIdentity = (uid: string): string =>
  `system:serviceaccount:${tenantIdentityNamespace}:${tenantIdentityName(uid)}`

/** Service and EndpointSlice in super that lead a tenant's pods to an API server that runs in another cluster. */
export const superDoorName = (uid: string): string => `kube-apiserver-${uid}`

const reservedSuffix = '.berth'
/** Published by super's own controller manager into every namespace, so the tenant's one needs another name there. */
export const rootCaConfigMap = 'kube-root-ca.crt'

/**
 * Name in super of a tenant's ConfigMap or Secret: unchanged, but for the one name that super itself owns and for names in the reserved suffix,
 * which get one more suffix. Injective: a name that ends in `.berth` is never a result unchanged.
 */
export const superConfigName = (name: string): string =>
  name === rootCaConfigMap || name.endsWith(reservedSuffix) ? `${name}${reservedSuffix}` : name

/** What the Secrets hold that go with one pod: service-account tokens, trust bundles, certificates of its own with their keys. */
export const podSecretKinds = ['token', 'trust', 'cert'] as const
export type PodSecretKind = (typeof podSecretKinds)[number]

/** Name in super of a Secret that goes with a pod. No tenant name maps to it: those ending in the suffix carry it twice. */
export const podSecretName = (podName: string, podUid: string, kind: PodSecretKind): string =>
  `${podName.slice(0, 200).replace(/[-.]+$/, '')}.${shortHash([podUid], 12)}.${kind}${reservedSuffix}`

/** Name in super of the Secret with a pod's service-account tokens. */
export const tokenSecretName = (podName: string, podUid: string): string => podSecretName(podName, podUid, 'token')

/** Label key on a super namespace that carries the value of a tenant namespace's label, for translated namespace selectors. */
export const namespaceLabelKey = (key: string): string => `ns.berth.dev/${shortHash([key], 24)}`

/** Secret in a tenant's control-plane namespace with the kubeconfig of who measures usage: it may read the metrics of its API server and nothing else. */
export const meterSecretName = 'meter-kubeconfig'

/** ConfigMap in the namespace of a TenantControlPlane with the usage of one tenant in one month, `2026-11`. */
export const usageObjectName = (tenantUid: string, month: string): string => `usage-${month}-${tenantUid}`

/** ServiceAccount in Berth's own namespace as which isolation checks run by schedule. */
export const isolationVerifyAccount = 'berth-isolation-verify'
/** CronJob in Berth's own namespace that runs the isolation checks of a tenant: at most 52 characters, since those of its Jobs are longer. */
export const isolationVerifyName = ({ uid, name }: Pick<TenantRef, 'uid' | 'name'>): string =>
  `isolation-verify-${readable(name, 20)}-${shortHash([uid], 12)}`
