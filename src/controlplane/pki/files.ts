import { stringify } from 'yaml'
import { apiServerAddress } from '../../tenancy/slices.ts'
import { keyFolder } from '../components/keys-volume.ts'
import type { Roots, SecretData } from './keys.ts'
import { kubeconfigText } from './kubeconfig.ts'
import type { PkiInputs } from './plan.ts'

/** URL of a tenant's API server, for all who are in the cluster: its slice's first address. */
export const tenantEndpoint = (slice: string): string => `https://${apiServerAddress(slice)}:443`

export const etcdFiles = ({ authorities }: Roots): SecretData => ({ 'ca.crt': authorities.etcd.cert })

/** Only the health paths are open to requests without a name: probes come without one. */
const authenticationConfiguration = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthenticationConfiguration',
  anonymous: { enabled: true, conditions: ['/livez', '/readyz', '/healthz'].map((path) => ({ path })) },
}

const encryptionConfiguration = (key: string): unknown => ({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  resources: [
    { resources: ['secrets'], providers: [{ secretbox: { keys: [{ name: 'key1', secret: key }] } }, { identity: {} }] },
  ],
})

export const apiServerFiles = ({ authorities, serviceAccount, encryptionKey }: Roots, agentServingCert: string): SecretData => ({
  'cluster-ca.crt': authorities.cluster.cert,
  'etcd-ca.crt': authorities.etcd.cert,
  'front-proxy-ca.crt': authorities.frontProxy.cert,
  'agent-serving-ca.crt': agentServingCert,
  'sa.pub': serviceAccount.publicKey,
  'sa.key': serviceAccount.privateKey,
  'encryption.yaml': stringify(encryptionConfiguration(encryptionKey)),
  'authentication.yaml': stringify(authenticationConfiguration),
})

export const controllerManagerFiles = (
  { slice }: PkiInputs,
  { authorities, serviceAccount }: Roots,
  agentServingCert: string,
): SecretData => ({
  'cluster-ca.crt': authorities.cluster.cert,
  // What every pod gets as its `ca.crt`. vn-agent's authority is in it, so that a metrics server believes "the kubelet" without a setting of its own; that
  // authority signs for addresses of nodes and for nothing else.
  'root-ca.crt': `${authorities.cluster.cert.trimEnd()}\n${agentServingCert}`,
  'cluster-ca.key': authorities.cluster.key,
  'sa.key': serviceAccount.privateKey,
  kubeconfig: kubeconfigText({
    cluster: 'tenant',
    user: 'kube-controller-manager',
    server: tenantEndpoint(slice),
    ca: authorities.cluster.cert,
    credentials: { kind: 'files', cert: `${keyFolder}/client.crt`, key: `${keyFolder}/client.key` },
  }),
})

const clientKubeconfig = (name: string, user: string, server: string, roots: Roots, client: SecretData): string =>
  kubeconfigText({
    cluster: name,
    user,
    server,
    ca: roots.authorities.cluster.cert,
    credentials: { kind: 'data', cert: client['client.crt'] ?? '', key: client['client.key'] ?? '' },
  })

export const syncerFiles = ({ tenant, slice }: PkiInputs, roots: Roots, client: SecretData): SecretData => ({
  value: clientKubeconfig(tenant.name, 'syncer', tenantEndpoint(slice), roots, client),
})

/** The kubeconfig for the tenant's administrators, who come to `server`. */
export const adminKubeconfig = (
  { tenant, server }: Pick<PkiInputs, 'tenant'> & { readonly server: string },
  roots: Roots,
  client: SecretData,
): string => clientKubeconfig(tenant.name, 'admin', server, roots, client)
