import type { KubeObject } from '../apis/kube-object.ts'
import { isolationVerifyAccount, tenantClusterRole } from '../tenancy/names.ts'
import { installedObjects } from './installed-rights.ts'

/** Whose rights Berth's manifests write out: its accounts, and what the syncer and vn-agent may do in the name of a tenant, in that tenant's super namespaces. */
export const accounts = ['berth-manager', 'berth-syncer', 'berth-vn-agent', 'berth-isolation-verify', 'tenant'] as const
export type Account = (typeof accounts)[number]

/** A rule of a role. */
export interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** A rule with one verb for one resource, and where it holds: without a namespace, in all. */
export interface Right {
  /** `verb group/resource`, as rights are written in the record of those that tests see used. */
  readonly right: string
  readonly rule: Rule
  readonly namespace?: string
}

const rulesOf = (role: KubeObject): readonly Rule[] => (role['rules'] ?? []) as readonly Rule[]

/** Every right that a role gives, one by one. */
export const rightsIn = (role: KubeObject): Right[] =>
  rulesOf(role).flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({
          right: `${verb} ${group}/${resource}`,
          rule: { apiGroups: [group], resources: [resource], verbs: [verb], ...(resourceNames && { resourceNames }) },
          ...(role.metadata.namespace !== undefined && { namespace: role.metadata.namespace }),
        })),
      ),
    ),
  )

const isOf = (name: string, namespace: string | undefined, kind: string) => (each: KubeObject) =>
  each.kind === kind && each.metadata.name === name && each.metadata.namespace === namespace

/** What installations with these values, taken together, give to whom. */
export const grantedRights = async (...values: readonly object[]): Promise<ReadonlyMap<string, readonly Right[]>> => {
  const kinds = ['ClusterRole', 'Role', 'ClusterRoleBinding', 'RoleBinding']
  const lists = await Promise.all(values.map((each) => installedObjects(each, ...kinds)))
  const granted = new Map<string, Right[]>()
  for (const objects of lists) {
    const give = (account: string, role: KubeObject | undefined): void => {
      const before = granted.get(account) ?? []
      const known = new Set(before.map((each) => JSON.stringify(each)))
      granted.set(account, [...before, ...(role ? rightsIn(role) : []).filter((each) => !known.has(JSON.stringify(each)))])
    }
    for (const { kind = '', metadata, ...binding } of objects.filter((each) => each.kind?.endsWith('Binding'))) {
      const { kind: roleKind, name } = binding['roleRef'] as { kind: string; name: string }
      const role = objects.find(isOf(name, roleKind === 'Role' ? metadata.namespace : undefined, roleKind))
      if (!role) throw new Error(`${kind} ${metadata.name} binds ${roleKind} ${name}, which is not installed`)
      for (const subject of binding['subjects'] as readonly { name: string }[]) give(subject.name, role)
    }
    // The manager binds it where a tenant is that has a schedule.
    give(isolationVerifyAccount, objects.find(isOf('berth:isolation-verify-kubeconfigs', undefined, 'ClusterRole')))
    give('tenant', objects.find(isOf(tenantClusterRole, undefined, 'ClusterRole')))
  }
  return granted
}

/** All of Berth in one cluster with every option that gives rights, and its super side where that is a cluster of its own. */
export const allGrantedRights = (): ReturnType<typeof grantedRights> =>
  grantedRights({ vnAgent: { via: 'kubelet' }, isolationVerify: { enabled: true } }, { side: 'super' })
