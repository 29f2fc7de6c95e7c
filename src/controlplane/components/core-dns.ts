import type { KubeObject } from '../../apis/kube-object.ts'
import { dnsAddress } from '../../tenancy/slices.ts'
import { planeSizeOf } from '../sizes.ts'
import { imagesOf } from '../versions.ts'
import type { Plane } from './plane.ts'

const namespace = 'kube-system'
const labels = { 'k8s-app': 'kube-dns' }
/** Not 53: so it needs neither root nor a capability, and runs under every Pod Security level. The Service has port 53. */
const port = 1053

export const dnsServiceName = 'kube-dns'

const corefile = (domain: string): string => `.:${port} {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes ${domain} in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
        max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`

/** The Corefile: written once, then the tenant's own. */
export const coreDnsConfig = (plane: Pick<Plane, 'spec'>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'coredns', namespace, labels },
  data: { Corefile: corefile(plane.spec.network.clusterDomain) },
})

const rbac: readonly KubeObject[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'coredns', namespace, labels } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'system:coredns', labels },
    rules: [
      { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'system:coredns', labels },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
    subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace }],
  },
]

const service = (plane: Pick<Plane, 'slice'>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: dnsServiceName,
    namespace,
    labels: { ...labels, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
  },
  spec: {
    clusterIP: dnsAddress(plane.slice),
    selector: labels,
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP', targetPort: port },
      { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: port },
      { name: 'metrics', port: 9153, protocol: 'TCP', targetPort: 9153 },
    ],
  },
})

const deployment = (plane: Pick<Plane, 'spec' | 'sizes' | 'registry'>): KubeObject => {
  const probe = (path: string, at: number) => ({ httpGet: { path, port: at, scheme: 'HTTP' }, timeoutSeconds: 5 })
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'coredns', namespace, labels },
    spec: {
      replicas: planeSizeOf(plane.spec.size, plane.sizes).coreDnsReplicas,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: 'coredns',
          // Five seconds of lame duck, and some to end.
          terminationGracePeriodSeconds: 10,
          // The resolver of super's node answers for names outside the tenant.
          dnsPolicy: 'Default',
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            runAsGroup: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [
            {
              name: 'coredns',
              image: imagesOf(plane.spec.version, plane.registry).coreDns,
              imagePullPolicy: 'IfNotPresent',
              args: ['-conf', '/etc/coredns/Corefile'],
              ports: [
                { name: 'dns', containerPort: port, protocol: 'UDP' },
                { name: 'dns-tcp', containerPort: port, protocol: 'TCP' },
                { name: 'metrics', containerPort: 9153, protocol: 'TCP' },
              ],
              resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '170Mi' } },
              securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
              startupProbe: { ...probe('/ready', 8181), periodSeconds: 1, failureThreshold: 120 },
              readinessProbe: { ...probe('/ready', 8181), periodSeconds: 5 },
              livenessProbe: { ...probe('/health', 8080), periodSeconds: 10, failureThreshold: 5 },
              volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
            },
          ],
          volumes: [{ name: 'config', configMap: { name: 'coredns', items: [{ key: 'Corefile', path: 'Corefile' }] } }],
        },
      },
    },
  }
}

/** DNS of a tenant: an ordinary Deployment in it, with the slice's tenth address. Without the Corefile. */
export const coreDns = (plane: Pick<Plane, 'spec' | 'slice' | 'registry'>): readonly KubeObject[] => [
  ...rbac,
  service(plane),
  deployment(plane),
]
