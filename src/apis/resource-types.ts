import { gatewayApiGroup } from './gateway-api.ts'

/** A resource as the API's paths name it. */
export interface ResourceType {
  /** `''` for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** True: a kind that an operator declared. Its plural may be that of a known kind in another group. */
  readonly custom?: true
}

/** What tells kinds apart in keys and caches: the plural, with the group for declared kinds. */
export const kindKey = ({ group, plural, custom }: ResourceType): string => (custom ? `${plural}.${group}` : plural)

const of = (group: string, version: string, plural: string, kind: string, namespaced = true): ResourceType => ({
  group,
  version,
  plural,
  kind,
  namespaced,
})

/** `v1` or `group/version`. */
export const apiVersionOf = ({ group, version }: ResourceType): string => (group ? `${group}/${version}` : version)

/** Every resource that Berth reads or writes, once. */
export const resourceTypes = {
  namespaces: of('', 'v1', 'namespaces', 'Namespace', false),
  nodes: of('', 'v1', 'nodes', 'Node', false),
  persistentVolumes: of('', 'v1', 'persistentvolumes', 'PersistentVolume', false),
  pods: of('', 'v1', 'pods', 'Pod'),
  services: of('', 'v1', 'services', 'Service'),
  configMaps: of('', 'v1', 'configmaps', 'ConfigMap'),
  secrets: of('', 'v1', 'secrets', 'Secret'),
  serviceAccounts: of('', 'v1', 'serviceaccounts', 'ServiceAccount'),
  persistentVolumeClaims: of('', 'v1', 'persistentvolumeclaims', 'PersistentVolumeClaim'),
  events: of('', 'v1', 'events', 'Event'),
  resourceQuotas: of('', 'v1', 'resourcequotas', 'ResourceQuota'),
  deployments: of('apps', 'v1', 'deployments', 'Deployment'),
  daemonSets: of('apps', 'v1', 'daemonsets', 'DaemonSet'),
  replicaSets: of('apps', 'v1', 'replicasets', 'ReplicaSet'),
  controllerRevisions: of('apps', 'v1', 'controllerrevisions', 'ControllerRevision'),
  statefulSets: of('apps', 'v1', 'statefulsets', 'StatefulSet'),
  endpointSlices: of('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  networkPolicies: of('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy'),
  ingresses: of('networking.k8s.io', 'v1', 'ingresses', 'Ingress'),
  ipAddresses: of('networking.k8s.io', 'v1', 'ipaddresses', 'IPAddress', false),
  serviceCIDRs: of('networking.k8s.io', 'v1', 'servicecidrs', 'ServiceCIDR', false),
  podDisruptionBudgets: of('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  storageClasses: of('storage.k8s.io', 'v1', 'storageclasses', 'StorageClass', false),
  ingressClasses: of('networking.k8s.io', 'v1', 'ingressclasses', 'IngressClass', false),
  runtimeClasses: of('node.k8s.io', 'v1', 'runtimeclasses', 'RuntimeClass', false),
  priorityClasses: of('scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass', false),
  volumeAttributesClasses: of('storage.k8s.io', 'v1', 'volumeattributesclasses', 'VolumeAttributesClass', false),
  volumeSnapshotClasses: of('snapshot.storage.k8s.io', 'v1', 'volumesnapshotclasses', 'VolumeSnapshotClass', false),
  gatewayClasses: of(gatewayApiGroup, 'v1', 'gatewayclasses', 'GatewayClass', false),
  csiDrivers: of('storage.k8s.io', 'v1', 'csidrivers', 'CSIDriver', false),
  csiNodes: of('storage.k8s.io', 'v1', 'csinodes', 'CSINode', false),
  clusterTrustBundles: of('certificates.k8s.io', 'v1', 'clustertrustbundles', 'ClusterTrustBundle', false),
  certificateSigningRequests: of('certificates.k8s.io', 'v1', 'certificatesigningrequests', 'CertificateSigningRequest', false),
  podCertificateRequests: of('certificates.k8s.io', 'v1', 'podcertificaterequests', 'PodCertificateRequest'),
  leases: of('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  roles: of('rbac.authorization.k8s.io', 'v1', 'roles', 'Role'),
  roleBindings: of('rbac.authorization.k8s.io', 'v1', 'rolebindings', 'RoleBinding'),
  clusterRoles: of('rbac.authorization.k8s.io', 'v1', 'clusterroles', 'ClusterRole', false),
  clusterRoleBindings: of('rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding', false),
  customResourceDefinitions: of('apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition', false),
  validatingWebhookConfigurations: of(
    'admissionregistration.k8s.io',
    'v1',
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    false,
  ),
  mutatingWebhookConfigurations: of(
    'admissionregistration.k8s.io',
    'v1',
    'mutatingwebhookconfigurations',
    'MutatingWebhookConfiguration',
    false,
  ),
  validatingAdmissionPolicies: of(
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicies',
    'ValidatingAdmissionPolicy',
    false,
  ),
  validatingAdmissionPolicyBindings: of(
    'admissionregistration.k8s.io',
    'v1',
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    false,
  ),
  flowSchemas: of('flowcontrol.apiserver.k8s.io', 'v1', 'flowschemas', 'FlowSchema', false),
  priorityLevelConfigurations: of(
    'flowcontrol.apiserver.k8s.io',
    'v1',
    'prioritylevelconfigurations',
    'PriorityLevelConfiguration',
    false,
  ),
  jobs: of('batch', 'v1', 'jobs', 'Job'),
  cronJobs: of('batch', 'v1', 'cronjobs', 'CronJob'),
  dataStores: of('berth.dev', 'v1alpha1', 'datastores', 'DataStore', false),
  tenantClasses: of('berth.dev', 'v1alpha1', 'tenantclasses', 'TenantClass', false),
  tenantControlPlanes: of('berth.dev', 'v1alpha1', 'tenantcontrolplanes', 'TenantControlPlane'),
  controlPlaneSnapshots: of('berth.dev', 'v1alpha1', 'controlplanesnapshots', 'ControlPlaneSnapshot'),
} as const satisfies Record<string, ResourceType>
