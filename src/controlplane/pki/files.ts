import { stringify } from 'yaml'
import { auditPolicyFile, keyFolder } from '../components/keys-volume.ts'
import { tenantEndpoint } from '../endpoints.ts'
import { ownUsers } from '../names.ts'
import type { SecretData } from './generations.ts'
import type { Roots } from './keys.ts'
import { kubeconfigText } from './kubeconfig.ts'
import type { PkiInputs } from './plan.ts'

export const etcdFiles = ({ trust }: Roots): SecretData => ({ 'ca.crt': trust.authorities.etcd })

/** Only the health paths are open to requests without a name: probes come without one. */
const authenticationConfiguration = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthenticationConfiguration',
  anonymous: { enabled: true, conditions: ['/livez', '/readyz', '/healthz'].map((path) => ({ path })) },
}

/** What an API server reads of how Secrets are encrypted in its etcd. */
export const encryptionConfiguration = (key: string): unknown => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [
    { resources: ['secrets'], providers: [{ secretbox: { keys: [{ name: 'key1', secret: key }] } }, { identity: {} }] },
  ],
})

/** True from the beginning of a rotation of the authorities until the old ones are cut: who uses which is then written down. */
export const isWatchingClients = ({ generations: { authorities } }: Pick<Roots, 'generations'>): boolean =>
  authorities.cluster.next !== undefined || authorities.cluster.old !== undefined

/**
 * Who came with which certificate, and nothing else: one line for each request of people. The fingerprint of the certificate is in the user's extra
 * (k8s.io/apiserver/pkg/authentication/request/x509).
 */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'None', userGroups: ['system:serviceaccounts', 'system:unauthenticated'] },
    { level: 'None', users: ownUsers },
    { level: 'Metadata' },
  ],
}

export const apiServerFiles = (roots: Roots, agentServingCert: string): SecretData => ({
  'cluster-ca.crt': roots.trust.authorities.cluster,
  'front-proxy-ca.crt': roots.trust.authorities.frontProxy,
  'agent-serving-ca.crt': agentServingCert,
  'sa.pub': roots.trust.serviceAccount,
  'sa.key': roots.serviceAccount.privateKey,
  'encryption.yaml': stringify(encryptionConfiguration(roots.encryptionKey)),
  'authentication.yaml': stringify(authenticationConfiguration),
  ...(isWatchingClients(roots) && { [auditPolicyFile]: stringify(auditPolicy) }),
})

export const controllerManagerFiles = (
  inputs: PkiInputs,
  { authorities, serviceAccount, trust }: Roots,
  agentServingCert: string,
): SecretData => ({
  // What signs: upstream takes exactly one certificate here (pkg/controller/certificates/signer/ca_provider.go).
  'cluster-ca.crt': authorities.cluster.cert,
  // What every pod gets as its `ca.crt`. vn-agent's authority is in it, so that a metrics server believes "the kubelet" without a setting of its own; that
  // authority signs for addresses of nodes and for nothing else.
  'root-ca.crt': `${trust.authorities.cluster.trimEnd()}\n${agentServingCert}`,
  'cluster-ca.key': authorities.cluster.key,
  'sa.key': serviceAccount.privateKey,
  kubeconfig: kubeconfigText({
    cluster: 'tenant',
    user: 'kube-controller-manager',
    server: tenantEndpoint(inputs),
    ca: trust.authorities.cluster,
    credentials: { kind: 'files', cert: `${keyFolder}/client.crt`, key: `${keyFolder}/client.key` },
  }),
})

const clientKubeconfig = (name: string, user: string, server: string, roots: Roots, client: SecretData): string =>
  kubeconfigText({
    cluster: name,
    user,
    server,
    ca: roots.trust.authorities.cluster,
    credentials: { kind: 'data', cert: client['client.crt'] ?? '', key: client['client.key'] ?? '' },
  })

/** A kubeconfig for a part of Berth that comes to the tenant. */
export const partFiles = (user: 'syncer' | 'meter', inputs: PkiInputs, roots: Roots, client: SecretData): SecretData => ({
  value: clientKubeconfig(inputs.tenant.name, user, tenantEndpoint(inputs), roots, client),
})

/** The kubeconfig for the tenant's administrators, who come to `server`. */
export const adminKubeconfig = (
  { tenant, server }: Pick<PkiInputs, 'tenant'> & { readonly server: string },
  roots: Roots,
  client: SecretData,
): string => clientKubeconfig(tenant.name, 'admin', server, roots, client)
