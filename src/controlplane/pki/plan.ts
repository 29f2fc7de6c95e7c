import { agentClientSubject } from '../../tenancy/identity.ts'
import type { TenantRef } from '../../tenancy/names.ts'
import { apiServerAddress, dataStoreAddress } from '../../tenancy/slices.ts'
import type { PlanePlace } from '../endpoints.ts'
import { componentNames, etcdPeersService, secretNames, tenantGroups } from '../names.ts'
import type { ExtendedUsage, Subject } from './issue.ts'

/**
 * Authorities of one tenant, each with a Secret of its own; Berth's authority for clients of vn-agent; and `serving`, the one of the cluster's that everybody who
 * comes to the API server knows.
 */
export const tenantAuthorities = ['cluster', 'etcd', 'frontProxy'] as const
export type TenantAuthority = (typeof tenantAuthorities)[number]
/** `store` signs the clients of an etcd that tenants share. */
export type Authority = TenantAuthority | 'agent' | 'serving' | 'store'

export const authoritySecrets: Record<TenantAuthority, string> = {
  cluster: secretNames.clusterAuthority,
  etcd: secretNames.etcdAuthority,
  frontProxy: secretNames.frontProxyAuthority,
}

/** One leaf certificate: who signs it, whom it names, and the keys of the Secret it lies in. */
export interface LeafPlan {
  readonly secret: string
  /** The Secret has `<file>.crt` and `<file>.key`. */
  readonly file: string
  readonly authority: Authority
  readonly subject: Subject
  readonly usages: readonly ExtendedUsage[]
  readonly names: readonly string[]
}

/** Who signs for the data store: the tenant's own authority, that of a shared etcd, or nobody, as the keys are given. */
export type StoreSigner =
  | { readonly kind: 'own' }
  | { readonly kind: 'shared'; readonly user: string }
  | { readonly kind: 'none' }

/** What the plan depends on. */
export interface PkiInputs extends PlanePlace {
  readonly tenant: TenantRef
  readonly clusterDomain: string
  readonly extraSANs: readonly string[]
  readonly storeSigner: StoreSigner
}

const unique = (names: readonly string[]): string[] => [...new Set(names)]

const apiServerNames = ({ namespace, slice, clusterDomain, extraSANs }: PkiInputs): string[] =>
  unique([
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${clusterDomain}`,
    componentNames.kubeApiServer,
    `${componentNames.kubeApiServer}.${namespace}.svc`,
    'localhost',
    '127.0.0.1',
    apiServerAddress(slice),
    ...extraSANs,
  ])

const etcdNames = ({ namespace, slice }: PkiInputs): string[] => [
  componentNames.etcd,
  `${componentNames.etcd}.${namespace}.svc`,
  'localhost',
  '127.0.0.1',
  dataStoreAddress(slice),
  // Also those that are not there yet: a certificate takes a minute to reach the pods, and members come at once.
  ...Array.from({ length: mostEtcdMembers }, (_, ordinal) => `${etcdMember(ordinal)}.${etcdPeersService}`),
]

/** Most members a data store may have. */
const mostEtcdMembers = 3

/** Name of an etcd member, and of its pod. */
export const etcdMember = (ordinal: number): string => `${componentNames.etcd}-${ordinal}`

/** Leaves for the data store. */
const storeLeaves = (inputs: PkiInputs): readonly LeafPlan[] => {
  const { storeSigner } = inputs
  switch (storeSigner.kind) {
    case 'own':
      return [
        // etcd's own gateway dials its client port with this certificate.
        {
          secret: secretNames.etcd,
          file: 'server',
          authority: 'etcd',
          subject: { commonName: 'etcd' },
          usages: ['server', 'client'],
          names: etcdNames(inputs),
        },
        {
          secret: secretNames.etcd,
          file: 'peer',
          authority: 'etcd',
          subject: { commonName: 'etcd-peer' },
          usages: ['server', 'client'],
          names: etcdNames(inputs),
        },
        client(secretNames.kubeApiServer, 'etcd-client', 'etcd', { commonName: 'kube-apiserver-etcd-client' }),
      ]
    case 'shared':
      // etcd takes the common name for the user.
      return [client(secretNames.kubeApiServer, 'etcd-client', 'store', { commonName: storeSigner.user })]
    case 'none':
      return []
  }
}

const client = (secret: string, file: string, authority: Authority, subject: Subject): LeafPlan => ({
  secret,
  file,
  authority,
  subject,
  usages: ['client'],
  names: [],
})

/** Every leaf certificate of a tenant. A container mounts only the Secret with the ones it uses. */
export const leafPlans = (inputs: PkiInputs): readonly LeafPlan[] => [
  ...storeLeaves(inputs),
  {
    secret: secretNames.kubeApiServer,
    file: 'serving',
    authority: 'serving',
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
    names: apiServerNames(inputs),
  },
  client(secretNames.kubeApiServer, 'front-proxy-client', 'frontProxy', { commonName: 'front-proxy-client' }),
  client(secretNames.kubeApiServer, 'agent-client', 'agent', agentClientSubject(inputs.tenant)),
  client(secretNames.kubeControllerManager, 'client', 'cluster', { commonName: 'system:kube-controller-manager' }),
  client(secretNames.admin, 'client', 'cluster', { commonName: 'berth:admin', organization: tenantGroups.admins }),
  client(secretNames.syncer, 'client', 'cluster', { commonName: 'berth:syncer', organization: tenantGroups.syncer }),
  client(secretNames.meter, 'client', 'cluster', { commonName: 'berth:meter', organization: tenantGroups.meter }),
]
