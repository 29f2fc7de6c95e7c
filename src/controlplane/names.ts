import { meterSecretName } from '../tenancy/names.ts'

/** Names of objects in a tenant's control-plane namespace and in Berth's own, each in one place. */
export const secretNames = {
  clusterAuthority: 'cluster-ca',
  etcdAuthority: 'etcd-ca',
  frontProxyAuthority: 'front-proxy-ca',
  serviceAccountKeys: 'service-account-keys',
  encryptionKey: 'encryption-key',
  etcd: 'etcd-keys',
  kubeApiServer: 'kube-apiserver-keys',
  kubeControllerManager: 'kube-controller-manager-keys',
  admin: 'admin-client',
  /** Key `value` is the kubeconfig with which the syncer comes to this tenant. */
  syncer: 'syncer-kubeconfig',
  /** Key `value` is the kubeconfig with which usage is measured: it may read the metrics of this tenant's API server. */
  meter: meterSecretName,
} as const

export const componentNames = {
  etcd: 'etcd',
  kubeApiServer: 'kube-apiserver',
  kubeControllerManager: 'kube-controller-manager',
} as const
/** Values of the component label of pods that do one thing and end. */
export const taskNames = { snapshot: 'snapshot', restore: 'restore', drill: 'drill', move: 'move' } as const
/** The etcd beside the container that changes loaded data. */
export const remapStore = 'remap-store'
/** The API server beside the container that reads all of a snapshot. */
export const drillServerName = 'drill-server'
/** Containers that end because others have. */
export const besideNames: readonly string[] = [remapStore, drillServerName]
/** The second Service of an API server: its way in from outside of super. */
export const exposedService = 'kube-apiserver-exposed'
/** ConfigMap with the configuration of each etcd member. */
export const etcdMembersConfig = 'etcd-members'
/** ConfigMap with the admission policies that the API server reads as files. */
export const apiServerAdmissionConfig = 'kube-apiserver-admission'
/** Headless Service that gives each etcd member a name, ready or not. */
export const etcdPeersService = 'etcd-peers'

/** User, and role, of a tenant in an etcd that it shares with others. */
export const storeUser = (uid: string): string => `berth-${uid}`
/** Where the keys of a tenant begin in an etcd that may hold those of others: a whole part of a path, so that no prefix begins another. */
export const storePrefix = (uid: string): string => `/${uid}/`

/** Lease in the control-plane namespace that the syncer renews while it serves the tenant. */
export const syncerLease = 'berth-syncer'
/** The syncer renews it every ten seconds: one that has said nothing for so long serves nobody. */
export const syncerSilenceMs = 30_000

/** In Berth's own namespace. */
export const systemNames = {
  agentAuthority: 'berth-agent-ca',
  /** ConfigMap with the certificate of `agentAuthority` alone, key `ca.crt`: what vn-agent mounts. */
  agentClientCa: 'berth-agent-client-ca',
  agentServingAuthority: 'berth-agent-serving-ca',
  agentServing: 'berth-vn-agent-serving',
  webhookAuthority: 'berth-webhook-ca',
  webhookServing: 'berth-webhook-serving',
  webhookService: 'berth-manager',
  webhookConfiguration: 'berth.dev',
} as const

/** Groups of client certificates in a tenant. */
export const tenantGroups = { admins: 'berth:tenant-admins', syncer: 'berth:syncer', meter: 'berth:meter' } as const

/** ControllerRevision of a TenantClass in Berth's own namespace, from the hash of what it keeps. */
export const classRevisionName = (className: string, hash: string): string => `${className}-${hash.slice(0, 12)}`

/** Under this name the manager itself comes to a tenant. */
export const bootstrapUser = 'berth:bootstrap'

/** Berth itself and the control plane, as a tenant's API server knows them: they follow every rotation by themselves. */
export const ownUsers: readonly string[] = ['system:apiserver', 'system:kube-controller-manager', 'berth:syncer', bootstrapUser]

/** ConfigMap with who still uses the authority before the newest. */
export const authorityUsersConfig = 'authority-users'

export const fieldManager = 'berth-manager'
