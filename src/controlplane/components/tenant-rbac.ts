import type { CustomKind } from '../../apis/custom-kind.ts'
import { gatewayApiGroup } from '../../apis/gateway-api.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { tenantGroups } from '../names.ts'

const rbac = 'rbac.authorization.k8s.io'
const read = ['get', 'list', 'watch']
const rule = (apiGroup: string, resources: string[], verbs: string[]) => ({ apiGroups: [apiGroup], resources, verbs })

const binding = (name: string, role: string, group: string): KubeObject => ({
  apiVersion: `${rbac}/v1`,
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
  subjects: [{ apiGroup: rbac, kind: 'Group', name: group }],
})

/** What the syncer does in a tenant, and no more: it reads what goes down, and writes what comes up. */
const syncerRules = [
  rule(
    '',
    ['namespaces', 'pods', 'services', 'configmaps', 'secrets', 'serviceaccounts', 'persistentvolumeclaims', 'events'],
    read,
  ),
  rule('discovery.k8s.io', ['endpointslices'], read),
  rule('networking.k8s.io', ['networkpolicies', 'ingresses'], read),
  rule('policy', ['poddisruptionbudgets'], read),
  rule('', ['pods'], ['patch', 'delete']),
  rule('', ['pods/status'], ['patch']),
  // Trust bundles and certificates that pods ask for (KEP-3257, KEP-4317).
  rule('certificates.k8s.io', ['clustertrustbundles'], read),
  rule('certificates.k8s.io', ['podcertificaterequests'], ['get', 'create']),
  rule('', ['pods/binding', 'bindings', 'serviceaccounts/token'], ['create']),
  rule('', ['services'], ['create', 'patch', 'delete']),
  rule('', ['services/status', 'persistentvolumeclaims', 'persistentvolumeclaims/status'], ['patch']),
  rule('networking.k8s.io', ['ingresses/status'], ['patch']),
  rule('', ['events'], ['create', 'patch']),
  rule('events.k8s.io', ['events'], ['create', 'patch']),
  rule('', ['nodes', 'nodes/status', 'persistentvolumes', 'persistentvolumes/status'], ['*']),
  rule('storage.k8s.io', ['storageclasses', 'volumeattributesclasses', 'csidrivers', 'csinodes'], ['*']),
  rule('networking.k8s.io', ['ingressclasses'], ['*']),
  rule('node.k8s.io', ['runtimeclasses'], ['*']),
  rule('scheduling.k8s.io', ['priorityclasses'], ['*']),
  rule('snapshot.storage.k8s.io', ['volumesnapshotclasses'], ['*']),
  rule(gatewayApiGroup, ['gatewayclasses'], ['*']),
  rule('coordination.k8s.io', ['leases'], ['*']),
  // Burns addresses of the slice that super gave to somebody else.
  rule('networking.k8s.io', ['ipaddresses'], [...read, 'create', 'delete']),
  rule('networking.k8s.io', ['servicecidrs'], read),
]

/** What it does with kinds that an operator declared: it copies their definitions, reads the objects, tells their status. */
const customKindRules = (customKinds: readonly CustomKind[]) =>
  customKinds.length === 0
    ? []
    : [
        rule('apiextensions.k8s.io', ['customresourcedefinitions'], [...read, 'create', 'update']),
        ...customKinds.flatMap(({ group, plural }) => [
          rule(group, [plural], read),
          rule(group, [`${plural}/status`], ['patch']),
        ]),
      ]

/** Name and place of the ConfigMap in which a tenant reads its limits (src/syncer/quota/quota-view.ts). */
const quotaView = { name: 'tenant-quota', namespace: 'kube-public' }

/** The syncer writes it and everybody in the tenant reads it. */
const quotaViewRights = (): readonly KubeObject[] => {
  const role = (name: string, rules: readonly object[], group: string): readonly KubeObject[] => [
    { apiVersion: `${rbac}/v1`, kind: 'Role', metadata: { name, namespace: quotaView.namespace }, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name, namespace: quotaView.namespace },
      roleRef: { apiGroup: rbac, kind: 'Role', name },
      subjects: [{ apiGroup: rbac, kind: 'Group', name: group }],
    },
  ]
  const only = (verbs: string[]) => ({ ...rule('', ['configmaps'], verbs), resourceNames: [quotaView.name] })
  return [
    // No API server can tell the name of what is to be created.
    ...role(tenantGroups.syncer, [rule('', ['configmaps'], ['create']), only(['patch', 'delete'])], tenantGroups.syncer),
    ...role('berth:tenant-quota', [only(read)], 'system:authenticated'),
  ]
}

/** Who may do what in a tenant. The administrators' rights hang on this binding, so they can be taken away, which system:masters cannot. */
export const tenantRbac = (customKinds: readonly CustomKind[]): readonly KubeObject[] => [
  binding(tenantGroups.admins, 'cluster-admin', tenantGroups.admins),
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: tenantGroups.syncer },
    rules: [...syncerRules, ...customKindRules(customKinds)],
  },
  binding(tenantGroups.syncer, tenantGroups.syncer, tenantGroups.syncer),
  {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name: tenantGroups.meter },
    rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }],
  },
  binding(tenantGroups.meter, tenantGroups.meter, tenantGroups.meter),
  ...quotaViewRights(),
]
