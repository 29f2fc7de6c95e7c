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
