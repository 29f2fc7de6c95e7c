/** Labels and annotations that Berth writes, each in one place. Tenants may not set keys of the `berth.dev` domain on what goes down. */
export const berthDomain = 'berth.dev'

/** Label on every super object: the tenant's UID. Super watches filter on it. */
export const tenantLabel = 'berth.dev/tenant'
/** Label on objects Berth itself needs (RBAC, quotas), value `berth`. */
export const managedByLabel = 'app.kubernetes.io/managed-by'
export const managedByBerth = 'berth'
/** Label on everything in management that belongs to one tenant's control plane: the tenant's UID. Not `tenantLabel`, which means a super object. */
export const controlPlaneLabel = 'berth.dev/control-plane'
/** Label on control-plane pods and Services: etcd, kube-apiserver, kube-controller-manager. */
export const componentLabel = 'berth.dev/component'
/** Annotations on every super object: which tenant object it stands for. */
export const tenantNamespaceAnnotation = 'berth.dev/namespace'
export const tenantNameAnnotation = 'berth.dev/name'
export const tenantObjectUidAnnotation = 'berth.dev/uid'
/**
 * Annotations on a super namespace: what super's own admission policies hold its pods and Services to. Lists are joined by commas; of the pool, `key=value`
 * pairs of the nodes' labels.
 */
export const podSecurityAnnotation = 'berth.dev/pod-security'
export const capabilitiesAnnotation = 'berth.dev/capabilities'
export const runtimeClassAnnotation = 'berth.dev/runtime-class'
export const nodePoolAnnotation = 'berth.dev/node-pool'
export const serviceTypesAnnotation = 'berth.dev/service-types'
/** All that a pod may set, the safe ones too. */
export const sysctlsAnnotation = 'berth.dev/sysctls'
/** `true` or `false`, as `spec.isolation.pods` says. */
export const runAsNonRootAnnotation = 'berth.dev/run-as-non-root'
export const privilegeEscalationAnnotation = 'berth.dev/privilege-escalation'
export const userNamespacesAnnotation = 'berth.dev/user-namespaces'
/** `true` where images are pulled each time; `narrowed` where no toleration is without a key. */
export const pullAlwaysAnnotation = 'berth.dev/pull-always'
export const tolerationsAnnotation = 'berth.dev/tolerations'
/** Annotation on super and control-plane objects: hash of what Berth wants, so that defaults added by the server are no drift. */
export const membersAnnotation = 'berth.dev/members'
export const wantedHashAnnotation = 'berth.dev/wanted-hash'
/** Annotation on the volume of an etcd that has no data of its tenant yet: those of a snapshot are on their way there. */
export const loadingAnnotation = 'berth.dev/loading'
/** Annotation on objects that Berth puts into a tenant and that the tenant may edit: what Berth applied last, as JSON. */
export const lastAppliedAnnotation = 'berth.dev/last-applied'
/** Annotations on a super pod that its downward API reads instead of super's own metadata. */
export const downwardLabelsAnnotation = 'berth.dev/labels'
export const downwardAnnotationsAnnotation = 'berth.dev/annotations'
export const downwardServiceAccountAnnotation = 'berth.dev/service-account'
/** Start of the annotation keys under which a super pod finds the tenant's values of keys that do not go down. */
export const downwardKeyPrefix = 'downward.berth.dev/'
/** Annotation on a super pod that is held to a node pool, or kept out of others: which. */
export const nodePoolsAnnotation = 'berth.dev/node-pools'
/** Annotation on a super Service: the node ports that the tenant's Service had when it was last written. */
export const askedNodePortsAnnotation = 'berth.dev/node-ports'
/** Annotation on a tenant's Service: which parts of its status came from super. */
export const carriedStatusAnnotation = 'berth.dev/carried-status'
/** Annotation on a tenant's Service while its spec makes a detour: what it returns to. */
export const detourAnnotation = 'berth.dev/detour'
/** Label, Kubernetes' own, that says who keeps an IPAddress object. */
export const addressManagerLabel = 'ipaddress.kubernetes.io/managed-by'
/** Finalizer on a TenantControlPlane: its pods, data and namespaces are gone before the object is. */
export const tenantFinalizer = 'berth.dev/control-plane'

/** Annotation on a TenantControlPlane, `true`: the operator's word that it may go although its super cluster cannot be asked to remove what is there. */
export const orphanSuperAnnotation = 'berth.dev/orphan-super'

/** Finalizer on a DataStore: no tenant has data in it before the object is gone. */
export const dataStoreFinalizer = 'berth.dev/data-store'

/** Finalizer on a TenantClass: no tenant names it before the object is gone. */
export const classFinalizer = 'berth.dev/tenant-class'
/** Label on a ControllerRevision in Berth's own namespace: name of the TenantClass that it is of. */
export const classLabel = 'berth.dev/tenant-class'
/** Annotations on a TenantControlPlane, of the class controller: the ControllerRevision of its class that it is at, and when a rollout moved it there, until it was ready there. */
export const classRevisionAnnotation = 'berth.dev/class-revision'
export const classMovedAtAnnotation = 'berth.dev/class-moved-at'

/** True for label and annotation keys of Berth's own domain, which a tenant cannot pass down. */
export const isBerthKey = (key: string): boolean => {
  const domain = key.split('/', 1)[0] ?? ''
  return key.includes('/') && (domain === berthDomain || domain.endsWith(`.${berthDomain}`))
}

/** Annotation on super objects: label and annotation keys that came from the tenant. */
export const writtenKeysAnnotation = 'berth.dev/keys'
/** Annotation on a pod's token Secret: RFC 3339 time from which it is to be renewed. */
export const renewAtAnnotation = 'berth.dev/renew-at'
/** Labels on a super pod, `true` or `false`: whether Berth's own policies may open it, no policy of its tenant speaking of it in that direction. */
export const openIngressLabel = 'berth.dev/open-ingress'
export const openEgressLabel = 'berth.dev/open-egress'
/** Label on a namespace of super, `true`: the operator's word that its pods may speak to those of every tenant (ingress controllers, monitoring). */
export const reachesTenantsLabel = 'berth.dev/reaches-tenants'
/** Label on pods that try whether super enforces NetworkPolicies: what each tries. */
export const networkProbeLabel = 'berth.dev/network-probe'
/** Annotation on Berth's own policies in super: what was known of super's networks when they were made, as JSON. */
export const superNetworksAnnotation = 'berth.dev/super-networks'
/** Label on objects that the syncer made in a tenant from super's (Nodes, PersistentVolumes, StorageClasses). */
export const mirroredLabel = 'berth.dev/mirrored'
/** Annotations of the syncer's Lease in a control-plane namespace: the tenant's etcd identity, and why syncing is frozen. */
export const storeIdentityAnnotation = 'berth.dev/store-identity'
export const frozenAnnotation = 'berth.dev/frozen'
/** Annotation of the syncer's Lease in a control-plane namespace, `true`: syncing is frozen since the tenant's objects are more than the syncer may keep. */
export const overfullAnnotation = 'berth.dev/overfull'
/** Annotation of the syncer's Lease in a control-plane namespace: the last restore of the tenant whose outcome has gone to super. */
export const restoredAnnotation = 'berth.dev/restored'
/** Annotation of the syncer's Lease in a control-plane namespace: which webhook of the tenant keeps the syncer from writing to it, for people. */
export const refusedAnnotation = 'berth.dev/refused'
/** Annotation of the syncer's Lease in a control-plane namespace: how many addresses of its slices the tenant has given out. */
export const serviceAddressesAnnotation = 'berth.dev/service-addresses'
/** Annotation of the syncer's Lease in a control-plane namespace: how far the tenant's pods are with going to sleep or waking. */
export const hibernationAnnotation = 'berth.dev/hibernation'
/** Annotation of the syncer's Lease in a control-plane namespace: how much of its limits the tenant has used, as JSON. */
export const quotaUsedAnnotation = 'berth.dev/quota-used'
/** Annotation on a TenantControlPlane: an operator's word to go on syncing after a freeze; any new value counts once. */
export const resumeSyncAnnotation = 'berth.dev/resume-sync'
/** Label on a Job in a control-plane namespace: name of the ControlPlaneSnapshot that it saves. */
export const snapshotLabel = 'berth.dev/snapshot'
/** Finalizer on a ControlPlaneSnapshot: what it has stored goes before the object does. */
export const snapshotFinalizer = 'berth.dev/snapshot'
/** Label on a ControlPlaneSnapshot that a schedule made: name of the TenantControlPlane. */
export const scheduleLabel = 'berth.dev/schedule'
/** Label on a ControlPlaneSnapshot that an upgrade began with: name of the TenantControlPlane. */
export const upgradeLabel = 'berth.dev/upgrade'
/** Label on ConfigMaps in Berth's own namespace that are the state of jobs: `job` or `schedule`. */
export const jobsLabel = 'berth.dev/jobs'
/** Label on a Secret with an endpoint of webhooks: `true`. */
export const webhookLabel = 'berth.dev/webhook'
/** Label on a ConfigMap of an organisation that says what its webhooks were told of its tenants: `true`. */
export const toldLabel = 'berth.dev/told'

/** Label on a namespace that is an organisation of the HTTP API: its own name. No other namespace is seen or written by the API. */
export const organizationLabel = 'berth.dev/organization'
/** Annotations on the namespace of an organisation: its name for people, its quota as JSON, and names of tenants that are being made, as JSON. */
export const displayNameAnnotation = 'berth.dev/display-name'
export const quotaAnnotation = 'berth.dev/quota'
export const reservationsAnnotation = 'berth.dev/reservations'
/** Label on a Secret in Berth's own namespace that is an API key: its id. */
export const apiKeyLabel = 'berth.dev/api-key'
/** Label on the Secret of an API key of one organisation: the organisation. */
export const apiKeyOrganizationLabel = 'berth.dev/api-key-organization'
/** Annotation on the Secret of an API key: when it was used last, at most a minute old. */
export const lastUsedAnnotation = 'berth.dev/last-used-at'
/** Label on a ConfigMap that is the record of an operation: what kind of. */
export const operationLabel = 'berth.dev/operation'
/** Label on the record of an operation: the tenant that it is of. */
export const operationTenantLabel = 'berth.dev/operation-tenant'
/** Annotations on a TenantControlPlane or ControlPlaneSnapshot: the operation that made it, and the last one that changed it. */
export const madeByOperationAnnotation = 'berth.dev/made-by-operation'
export const lastOperationAnnotation = 'berth.dev/last-operation'
/** Label on what the HTTP API makes in a tenant for one kubeconfig: its id. */
export const kubeconfigLabel = 'berth.dev/kubeconfig'

/** Labels on a ConfigMap that holds usage of a tenant: the tenant's UID, and the month, as `2026-11`. */
export const usageLabel = 'berth.dev/usage'
export const usageMonthLabel = 'berth.dev/usage-month'
/** Annotations of it: name of the tenant, and how far it was measured, as JSON. */
export const usageTenantAnnotation = 'berth.dev/usage-tenant'
export const usageStandingAnnotation = 'berth.dev/usage-standing'

/** Annotation on a TenantControlPlane: how the last recorded run of isolation checks ended, as JSON. */
export const isolationVerifiedAnnotation = 'berth.dev/isolation-verified'
/** Label on what a run of isolation checks makes, and on nothing else: when the run began, in seconds since 1970. */
export const isolationRunLabel = 'berth.dev/isolation-check'
/** Label on what runs the isolation checks of a tenant by schedule, in Berth's own namespace: the tenant's UID. */
export const isolationVerifyLabel = 'berth.dev/isolation-verify'
