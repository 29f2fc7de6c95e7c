import type { KubeObject } from '../../apis/kube-object.ts'
import { AppError } from '../../lib/errors.ts'
import { apiServerAddress } from '../../tenancy/slices.ts'
import { storeEndpoint } from '../endpoints.ts'
import { componentNames, secretNames } from '../names.ts'
import { goMemoryEnv, planeSizeOf, resourcesOf } from '../sizes.ts'
import { imagesOf } from '../versions.ts'
import { extraFlags } from './extra-args.ts'
import { auditPolicyFile, keyFolder } from './keys-volume.ts'
import { type Component, disruptionBudget, metadataOf, type Plane, podTemplate, probes, selectorOf, spread } from './plane.ts'
import { admissionFiles, admissionFlags, admissionMount, admissionVolume } from './told/files.ts'

export const apiServerPort = 6443

/**
 * Where the API server keeps its objects. A user that is limited to its prefix can neither compact nor write the one key that an API server keeps outside of
 * its prefix, for compaction alone (`compact_rev_key`, k8s.io/apiserver pkg/storage/etcd3/compact.go): that is the work of who runs the etcd.
 */
const storeFlags = (plane: Plane): string[] => {
  const { spec, remote } = plane
  if (spec.dataStore.kind === 'dedicated') return [`--etcd-servers=${storeEndpoint(plane, 2379)}`]
  if (!remote) throw new AppError('SPEC_INVALID', 'where the data store is cannot be told at the moment: see DataStoreReady', {})
  return [
    `--etcd-servers=${remote.endpoints.join(',')}`,
    `--etcd-prefix=${remote.prefix.replace(/\/$/, '')}`,
    '--etcd-compaction-interval=0',
  ]
}

const flags = (plane: Plane): string[] => {
  const { clusterDomain } = plane.spec.network
  const issuer = `https://kubernetes.default.svc.${clusterDomain}`
  return [
    // The pod's address, with the lease reconciler: so `kubernetes` in the tenant has true endpoints.
    '--advertise-address=$(POD_IP)',
    `--secure-port=${apiServerPort}`,
    `--service-cluster-ip-range=${[plane.slice, ...(plane.ipv6Slice ? [plane.ipv6Slice] : [])].join(',')}`,
    ...storeFlags(plane),
    `--etcd-cafile=${keyFolder}/etcd-ca.crt`,
    `--etcd-certfile=${keyFolder}/etcd-client.crt`,
    `--etcd-keyfile=${keyFolder}/etcd-client.key`,
    `--client-ca-file=${keyFolder}/cluster-ca.crt`,
    `--tls-cert-file=${keyFolder}/serving.crt`,
    `--tls-private-key-file=${keyFolder}/serving.key`,
    '--tls-min-version=VersionTLS12',
    `--authentication-config=${keyFolder}/authentication.yaml`,
    `--encryption-provider-config=${keyFolder}/encryption.yaml`,
    '--authorization-mode=RBAC',
    `--service-account-issuer=${issuer}`,
    `--service-account-jwks-uri=${issuer}/openid/v1/jwks`,
    `--service-account-key-file=${keyFolder}/sa.pub`,
    `--service-account-signing-key-file=${keyFolder}/sa.key`,
    '--enable-aggregator-routing=true',
    `--requestheader-client-ca-file=${keyFolder}/front-proxy-ca.crt`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${keyFolder}/front-proxy-client.crt`,
    `--proxy-client-key-file=${keyFolder}/front-proxy-client.key`,
    // What the API server takes for the kubelet is vn-agent, on super's nodes.
    `--kubelet-client-certificate=${keyFolder}/agent-client.crt`,
    `--kubelet-client-key=${keyFolder}/agent-client.key`,
    `--kubelet-certificate-authority=${keyFolder}/agent-serving-ca.crt`,
    '--kubelet-preferred-address-types=InternalIP',
    // Nodes are copies of super's with super's taints; this plugin would add one that nobody takes away.
    '--disable-admission-plugins=TaintNodesByCondition',
    // What the syncer would refuse is told at once.
    ...admissionFlags,
    // What a pod may do is decided by the syncer, and by super's Pod Security admission.
    '--allow-privileged=true',
    '--profiling=false',
    // It goes on answering until every node has heard that it goes: a roll then breaks no request, and another number of replicas starts nothing anew.
    '--shutdown-delay-duration=5s',
    // Who still comes with a certificate of the old authority.
    ...(plane.watchesClients ? [`--audit-policy-file=${keyFolder}/${auditPolicyFile}`, '--audit-log-path=-'] : []),
  ]
}

const deployment = (plane: Plane): KubeObject => {
  const { apiServer, size, version } = plane.spec
  const podSize = planeSizeOf(size, plane.sizes).kubeApiServer
  const resources = resourcesOf(podSize, apiServer.resources)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadataOf(plane, componentNames.kubeApiServer, componentNames.kubeApiServer),
    spec: {
      replicas: apiServer.replicas,
      revisionHistoryLimit: 2,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: selectorOf(plane, componentNames.kubeApiServer) },
      template: podTemplate(plane, componentNames.kubeApiServer, {
        secret: secretNames.kubeApiServer,
        volumes: [admissionVolume],
        container: {
          image: imagesOf(version, plane.registry).kubeApiServer,
          command: ['/usr/local/bin/kube-apiserver', ...flags(plane), ...extraFlags(apiServer.extraArgs)],
          env: [
            { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            ...goMemoryEnv(podSize, resources.limits.memory),
          ],
          ports: [{ name: 'https', containerPort: apiServerPort }],
          resources,
          volumeMounts: [admissionMount],
          ...probes({ port: apiServerPort, scheme: 'HTTPS' }, { live: '/livez', ready: '/readyz' }),
        },
        fields: { terminationGracePeriodSeconds: 20, ...spread(plane, componentNames.kubeApiServer) },
      }),
    },
  }
}

/**
 * The Service in front of the API servers. Where management is super, it has the slice's first address, which it claims: what the tenant calls
 * `kubernetes.default`. Elsewhere it has one of management's.
 */
export const apiServerService = (plane: Pick<Plane, 'tenant' | 'namespace' | 'slice' | 'isApart' | 'hasServed'>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataOf(plane, componentNames.kubeApiServer, componentNames.kubeApiServer),
  spec: {
    ...(!plane.isApart && { clusterIP: apiServerAddress(plane.slice) }),
    // At its first start all wait for it, and hear of it the moment it listens instead of a probe later. In a rollout later on, a pod that is not
    // ready must get nothing.
    publishNotReadyAddresses: !plane.hasServed,
    selector: selectorOf(plane, componentNames.kubeApiServer),
    ports: [{ name: 'https', port: 443, targetPort: apiServerPort }],
  },
})

/** Without its Service, which is laid with the foundation: it claims the slice's first address before anything is signed for it. */
export const kubeApiServer: Component = {
  name: componentNames.kubeApiServer,
  desired: (plane) => [
    deployment(plane),
    ...(plane.spec.apiServer.replicas > 1 ? [disruptionBudget(plane, componentNames.kubeApiServer)] : []),
    admissionFiles(plane),
  ],
}
