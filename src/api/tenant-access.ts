import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import { kubeconfigLabel, managedByBerth, managedByLabel } from '../tenancy/marks.ts'

/** Namespace in a tenant with the accounts of kubeconfigs that the HTTP API gave out. */
export const accessNamespace = 'berth-access'
/** Annotation on such an account: what it was made for, as JSON. */
const aboutAnnotation = 'berth.dev/kubeconfig-about'

/** Roles of Kubernetes that a kubeconfig may be for. */
export const accessRoles = { admin: 'cluster-admin', edit: 'edit', view: 'view' } as const
export type AccessRole = keyof typeof accessRoles

/** Users and groups with a meaning of their own, of Kubernetes and of Berth, are nobody's to take. */
const ownName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9:@._+/-]{0,127}$/, 'at most 128 letters, digits and :@._+/-, beginning with a letter or digit')
  .refine((name) => !/^(system|berth):/i.test(name), 'names that begin with system: or berth: are taken')

export const accessUser = ownName
export const accessGroups = z.array(ownName).min(1).max(16)

const about = z.object({
  name: z.string().max(100).optional(),
  role: z.enum(Object.keys(accessRoles) as [AccessRole, ...AccessRole[]]).optional(),
  user: accessUser.optional(),
  groups: accessGroups.optional(),
  expiresAt: z.iso.datetime(),
})

/** What one kubeconfig lets in: as one of the roles, or as a user with groups that the tenant gives rights to itself. */
export type AccessGrant = z.output<typeof about> & { readonly id: string }

const idPattern = /^[a-z2-7]{16}$/
export const isGrantId = (id: string): boolean => idPattern.test(id)

export const accountName = (id: string): string => `berth-${id}`
const bindingName = (id: string): string => `berth-access-${id}`

/** The kubeconfig's own user name, where only groups were given. */
export const userOf = ({ id, user }: AccessGrant): string => user ?? `kubeconfig-${id}`

const rbac = 'rbac.authorization.k8s.io'

/** What is made in the tenant for a grant, in order. The account alone may do nothing. */
export const grantObjects = (grant: AccessGrant) => {
  const { id, role, groups, ...rest } = grant
  const labels = { [managedByLabel]: managedByBerth, [kubeconfigLabel]: id }
  const text = JSON.stringify({ ...rest, role, groups })
  const impersonate = (resource: string, names: readonly string[]) => ({
    apiGroups: [''],
    resources: [resource],
    verbs: ['impersonate'],
    resourceNames: [...names],
  })
  const namespace: KubeObject = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: accessNamespace, labels: { [managedByLabel]: managedByBerth } },
  }
  const account: KubeObject = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: accountName(id), namespace: accessNamespace, labels, annotations: { [aboutAnnotation]: text } },
    automountServiceAccountToken: false,
  }
  const clusterRole: KubeObject | undefined =
    role === undefined
      ? {
          apiVersion: `${rbac}/v1`,
          kind: 'ClusterRole',
          metadata: { name: bindingName(id), labels },
          rules: [impersonate('users', [userOf(grant)]), ...(groups ? [impersonate('groups', groups)] : [])],
        }
      : undefined
  const binding: KubeObject = {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: bindingName(id), labels },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role === undefined ? bindingName(id) : accessRoles[role] },
    subjects: [{ kind: 'ServiceAccount', name: accountName(id), namespace: accessNamespace }],
  }
  return { namespace, account, clusterRole, binding, bindingName: bindingName(id) }
}

/** The grant of an account as a tenant's API tells it; undefined for what Berth cannot have written. Tenants may write anything there. */
export const grantOf = ({ metadata }: KubeObject): AccessGrant | undefined => {
  const id = metadata.labels?.[kubeconfigLabel]
  const text = metadata.annotations?.[aboutAnnotation]
  if (typeof id !== 'string' || !isGrantId(id) || metadata.name !== accountName(id)) return undefined
  if (typeof text !== 'string' || text.length > 16_384) return undefined
  try {
    const parsed = about.safeParse(JSON.parse(text))
    return parsed.success ? { ...parsed.data, id } : undefined
  } catch {
    return undefined
  }
}
