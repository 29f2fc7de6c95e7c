/**
 * What becomes of an object that a tenant makes. `down`: it goes to super, and what super says of it comes back. `up`: the tenant's objects of the kind are
 * made from super's. `tenant`: the tenant's own control plane does all there is to do. `kept`: it is stored, and nothing acts on it.
 */
export type Fate = 'down' | 'up' | 'tenant' | 'kept'

/** One kind of a tenant's API. */
export interface TenantKind {
  /** `''` for the core group. */
  readonly group: string
  readonly plural: string
  readonly kind: string
  readonly fate: Fate
  /** For people who look the kind up. */
  readonly note?: string
  /** Said by the tenant's API server to whoever writes such an object by hand, because one would believe it to be in force. */
  readonly warning?: Warning
}

export interface Warning {
  readonly says: string
  /** CEL over `object`, `oldObject` and `request`: writes to warn of. Default: all that create. */
  readonly when?: string
}

type Row = readonly [plural: string, kind: string, fate: Fate, rest?: Pick<TenantKind, 'note' | 'warning'>]

const inGroup = (group: string, rows: readonly Row[]): readonly TenantKind[] =>
  rows.map(([plural, kind, fate, rest]) => ({ group, plural, kind, fate, ...rest }))

const note = (text: string) => ({ note: text })
const warns = (says: string, when?: string) => ({ warning: { says, ...(when !== undefined && { when }) } })

const ownClass = (kind: string, use: string) =>
  warns(`a ${kind} made here ${use}: only those that the platform offers are in force`)
const noDevices = warns('dynamic resource allocation is not offered here: pods with resource claims are refused')

const core = inGroup('', [
  ['bindings', 'Binding', 'tenant', note("super's scheduler decides where a pod runs; what it decided is bound in the tenant")],
  ['componentstatuses', 'ComponentStatus', 'tenant'],
  ['configmaps', 'ConfigMap', 'down', note('those that a synced object refers to')],
  [
    'endpoints',
    'Endpoints',
    'tenant',
    note('mirrored to EndpointSlices by the tenant, and those of Services without selector go down'),
  ],
  ['events', 'Event', 'up', note('what super says of an object that went down')],
  ['limitranges', 'LimitRange', 'tenant'],
  ['namespaces', 'Namespace', 'down', note('each is backed by a namespace of super')],
  [
    'nodes',
    'Node',
    'up',
    {
      ...note(
        'one for each node of super that the tenant sees, with its true size and health; labels, taints and cordons that the tenant adds hold for its own pods',
      ),
      ...warns("Nodes are the platform's machines: one made here runs nothing"),
    },
  ],
  ['persistentvolumeclaims', 'PersistentVolumeClaim', 'down', note('of a class that the platform offers; its volume comes up')],
  [
    'persistentvolumes',
    'PersistentVolume',
    'up',
    {
      ...note('those that claims of the tenant are bound to'),
      ...warns("a PersistentVolume made here is bound to nothing: volumes come from the platform's storage classes"),
    },
  ],
  ['pods', 'Pod', 'down'],
  ['podtemplates', 'PodTemplate', 'tenant'],
  ['replicationcontrollers', 'ReplicationController', 'tenant'],
  ['resourcequotas', 'ResourceQuota', 'tenant', note("counted and enforced by the tenant's API server")],
  ['secrets', 'Secret', 'down', note('those that a synced object refers to')],
  ['serviceaccounts', 'ServiceAccount', 'tenant', note('their tokens reach the pods; super has no such account')],
  ['services', 'Service', 'down', note('with the same cluster IP')],
])

const workloads = [
  ...inGroup('apps', [
    ['controllerrevisions', 'ControllerRevision', 'tenant'],
    ['daemonsets', 'DaemonSet', 'tenant', note('over the nodes that the tenant sees')],
    ['deployments', 'Deployment', 'tenant'],
    ['replicasets', 'ReplicaSet', 'tenant'],
    ['statefulsets', 'StatefulSet', 'tenant'],
  ]),
  ...inGroup('autoscaling', [
    ['horizontalpodautoscalers', 'HorizontalPodAutoscaler', 'tenant', note('needs a metrics-server in the tenant')],
  ]),
  ...inGroup('batch', [
    ['cronjobs', 'CronJob', 'tenant'],
    ['jobs', 'Job', 'tenant'],
  ]),
  ...inGroup('policy', [['poddisruptionbudgets', 'PodDisruptionBudget', 'down', note('honoured by evictions on both sides')]]),
  ...inGroup('scheduling.k8s.io', [
    [
      'priorityclasses',
      'PriorityClass',
      'up',
      ownClass('PriorityClass', 'neither orders nor preempts pods on the machines, which all tenants share'),
    ],
  ]),
]

const network = [
  ...inGroup('discovery.k8s.io', [['endpointslices', 'EndpointSlice', 'down', note('those of Services without selector')]]),
  ...inGroup('networking.k8s.io', [
    [
      'ingressclasses',
      'IngressClass',
      'up',
      ownClass('IngressClass', 'is served only if a controller for it runs in this cluster'),
    ],
    ['ingresses', 'Ingress', 'down', note('of a class that the platform offers, with annotations and hosts that it allows')],
    ['ipaddresses', 'IPAddress', 'tenant'],
    ['networkpolicies', 'NetworkPolicy', 'down', note('selects namespaces of this tenant only')],
    [
      'servicecidrs',
      'ServiceCIDR',
      'tenant',
      warns(
        "a ServiceCIDR made here gives Services addresses that lead nowhere: a Service with an address outside the platform's ranges is refused",
      ),
    ],
  ]),
]

const storage = inGroup('storage.k8s.io', [
  [
    'csidrivers',
    'CSIDriver',
    'kept',
    warns("a CSIDriver made here drives nothing: volumes are mounted by the platform's drivers"),
  ],
  ['csinodes', 'CSINode', 'up', warns("a CSINode made here is read by nothing: volumes are mounted by the platform's drivers")],
  [
    'csistoragecapacities',
    'CSIStorageCapacity',
    'kept',
    warns("a CSIStorageCapacity made here is read by nothing: pods are placed by the platform's scheduler"),
  ],
  [
    'storageclasses',
    'StorageClass',
    'up',
    ownClass('StorageClass', 'provisions no volume, not even with a provisioner in this cluster'),
  ],
  [
    'volumeattachments',
    'VolumeAttachment',
    'kept',
    warns('a VolumeAttachment made here attaches nothing: the platform attaches the volumes of claims'),
  ],
  ['volumeattributesclasses', 'VolumeAttributesClass', 'up', ownClass('VolumeAttributesClass', 'changes no volume')],
])

const nodeSide = [
  ...inGroup('node.k8s.io', [
    ['runtimeclasses', 'RuntimeClass', 'up', ownClass('RuntimeClass', 'has no handler on the machines')],
  ]),
  ...inGroup('resource.k8s.io', [
    ['deviceclasses', 'DeviceClass', 'kept', noDevices],
    ['devicetaintrules', 'DeviceTaintRule', 'kept', noDevices],
    ['resourceclaims', 'ResourceClaim', 'kept', noDevices],
    ['resourceclaimtemplates', 'ResourceClaimTemplate', 'kept', noDevices],
    ['resourceslices', 'ResourceSlice', 'kept', noDevices],
  ]),
  ...inGroup('certificates.k8s.io', [
    [
      'certificatesigningrequests',
      'CertificateSigningRequest',
      'tenant',
      warns(
        "a kubelet's certificate is of no use here: machines do not join this cluster, the platform brings its nodes",
        "object.spec.signerName in ['kubernetes.io/kube-apiserver-client-kubelet', 'kubernetes.io/kubelet-serving'] && request.operation == 'CREATE'",
      ),
    ],
    ['clustertrustbundles', 'ClusterTrustBundle', 'tenant'],
    ['podcertificaterequests', 'PodCertificateRequest', 'tenant'],
  ]),
]

/** What an API server is and answers itself. */
const machinery = [
  ...inGroup('admissionregistration.k8s.io', [
    ['mutatingadmissionpolicies', 'MutatingAdmissionPolicy', 'tenant'],
    ['mutatingadmissionpolicybindings', 'MutatingAdmissionPolicyBinding', 'tenant'],
    ['mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', 'tenant', note('webhooks may be Services of the tenant')],
    ['validatingadmissionpolicies', 'ValidatingAdmissionPolicy', 'tenant'],
    ['validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding', 'tenant'],
    [
      'validatingwebhookconfigurations',
      'ValidatingWebhookConfiguration',
      'tenant',
      note('webhooks may be Services of the tenant'),
    ],
  ]),
  ...inGroup('apiextensions.k8s.io', [['customresourcedefinitions', 'CustomResourceDefinition', 'tenant']]),
  ...inGroup('apiregistration.k8s.io', [['apiservices', 'APIService', 'tenant', note('may be served by pods of the tenant')]]),
  ...inGroup('authentication.k8s.io', [
    ['selfsubjectreviews', 'SelfSubjectReview', 'tenant'],
    ['tokenreviews', 'TokenReview', 'tenant'],
  ]),
  ...inGroup('authorization.k8s.io', [
    ['localsubjectaccessreviews', 'LocalSubjectAccessReview', 'tenant'],
    ['selfsubjectaccessreviews', 'SelfSubjectAccessReview', 'tenant'],
    ['selfsubjectrulesreviews', 'SelfSubjectRulesReview', 'tenant'],
    ['subjectaccessreviews', 'SubjectAccessReview', 'tenant'],
  ]),
  ...inGroup('coordination.k8s.io', [['leases', 'Lease', 'tenant', note('those of Nodes are renewed by the platform')]]),
  ...inGroup('events.k8s.io', [['events', 'Event', 'up', note('what super says of an object that went down')]]),
  ...inGroup('flowcontrol.apiserver.k8s.io', [
    ['flowschemas', 'FlowSchema', 'tenant'],
    ['prioritylevelconfigurations', 'PriorityLevelConfiguration', 'tenant'],
  ]),
  ...inGroup('rbac.authorization.k8s.io', [
    ['clusterrolebindings', 'ClusterRoleBinding', 'tenant'],
    ['clusterroles', 'ClusterRole', 'tenant'],
    ['rolebindings', 'RoleBinding', 'tenant'],
    ['roles', 'Role', 'tenant'],
  ]),
  ...inGroup('storagemigration.k8s.io', [['storageversionmigrations', 'StorageVersionMigration', 'tenant']]),
]

/** Every kind that an API server of the versions served has by itself. A test asks them. */
export const builtInKinds: readonly TenantKind[] = [...core, ...workloads, ...network, ...storage, ...nodeSide, ...machinery]

const noEnforcer = (kind: string) =>
  warns(
    `no ${kind} is enforced here: what enforces it would have to run on the machines, which all tenants share. Use a NetworkPolicy`,
  )

/** Kinds that a tenant may add by a CRD and that would have to be enforced on the machines. */
export const knownCustomKinds: readonly TenantKind[] = [
  ...inGroup('policy.networking.k8s.io', [
    ['adminnetworkpolicies', 'AdminNetworkPolicy', 'kept', noEnforcer('AdminNetworkPolicy')],
    ['baselineadminnetworkpolicies', 'BaselineAdminNetworkPolicy', 'kept', noEnforcer('BaselineAdminNetworkPolicy')],
    ['clusternetworkpolicies', 'ClusterNetworkPolicy', 'kept', noEnforcer('ClusterNetworkPolicy')],
  ]),
  ...inGroup('cilium.io', [
    ['ciliumnetworkpolicies', 'CiliumNetworkPolicy', 'kept', noEnforcer('CiliumNetworkPolicy')],
    ['ciliumclusterwidenetworkpolicies', 'CiliumClusterwideNetworkPolicy', 'kept', noEnforcer('CiliumClusterwideNetworkPolicy')],
  ]),
  ...inGroup('crd.projectcalico.org', [
    ['networkpolicies', 'NetworkPolicy', 'kept', noEnforcer('NetworkPolicy of this group')],
    ['globalnetworkpolicies', 'GlobalNetworkPolicy', 'kept', noEnforcer('GlobalNetworkPolicy')],
  ]),
  ...inGroup('snapshot.storage.k8s.io', [
    [
      'volumesnapshots',
      'VolumeSnapshot',
      'kept',
      {
        ...note('goes down where the operator declares it'),
        ...warns('no VolumeSnapshot is taken here: the platform does not offer snapshots to this cluster'),
      },
    ],
  ]),
  ...inGroup('k8s.cni.cncf.io', [
    [
      'network-attachment-definitions',
      'NetworkAttachmentDefinition',
      'kept',
      warns("no NetworkAttachmentDefinition is in force here: pods have the platform's network only"),
    ],
  ]),
]
