import type { KubeObject } from '../../apis/kube-object.ts'
import { dataStoreAddress } from '../../tenancy/slices.ts'
import { keyFolder } from '../components/keys-volume.ts'
import {
  type Component,
  disruptionBudget,
  metadataOf,
  type Plane,
  podTemplate,
  probes,
  selectorOf,
  spread,
} from '../components/plane.ts'
import { componentNames, etcdPeersService, secretNames } from '../names.ts'
import { etcdMembers } from '../pki/plan.ts'
import { goMemoryEnv, quantityValue, resourcesOf, sizes } from '../sizes.ts'
import { imagesOf } from '../versions.ts'

const ports = { client: 2379, peer: 2380, metrics: 2381 } as const
const dataFolder = '/var/lib/etcd'

/** etcd stops taking writes at this size: three quarters of the disk, so that a defragmentation still has room, and at most the 8 GiB etcd is good for. */
export const quotaBytes = (storageSize: string): number => Math.min(8 * 2 ** 30, Math.floor(quantityValue(storageSize) * 0.75))

const memberUrl = (member: string, port: number): string => `https://${member}.${etcdPeersService}:${port}`

const flags = (plane: Plane): string[] => {
  const members = etcdMembers(plane.spec.dataStore.replicas)
  const alone = members.length === 1
  return [
    '--name=$(POD_NAME)',
    `--data-dir=${dataFolder}/data`,
    `--listen-client-urls=https://0.0.0.0:${ports.client}`,
    `--advertise-client-urls=${memberUrl('$(POD_NAME)', ports.client)}`,
    `--listen-peer-urls=https://0.0.0.0:${ports.peer}`,
    `--initial-advertise-peer-urls=${memberUrl('$(POD_NAME)', ports.peer)}`,
    `--initial-cluster=${members.map((member) => `${member}=${memberUrl(member, ports.peer)}`).join(',')}`,
    `--initial-cluster-token=${plane.tenant.uid}`,
    '--initial-cluster-state=new',
    `--listen-metrics-urls=http://0.0.0.0:${ports.metrics}`,
    '--client-cert-auth=true',
    `--trusted-ca-file=${keyFolder}/ca.crt`,
    `--cert-file=${keyFolder}/server.crt`,
    `--key-file=${keyFolder}/server.key`,
    '--peer-client-cert-auth=true',
    `--peer-trusted-ca-file=${keyFolder}/ca.crt`,
    `--peer-cert-file=${keyFolder}/peer.crt`,
    `--peer-key-file=${keyFolder}/peer.key`,
    // Members come from pod addresses, which no certificate can name beforehand; the authority is this tenant's alone.
    '--peer-skip-client-san-verification=true',
    '--tls-min-version=TLS1.2',
    `--quota-backend-bytes=${quotaBytes(plane.spec.dataStore.storageSize)}`,
    '--auto-compaction-mode=periodic',
    '--auto-compaction-retention=10m',
    // A member without others has nobody to wait for before it elects itself.
    ...(alone ? ['--heartbeat-interval=50', '--election-timeout=250'] : []),
    '--log-level=warn',
  ]
}

const statefulSet = (plane: Plane): KubeObject => {
  const { dataStore, size } = plane.spec
  const resources = resourcesOf(sizes[size].etcd)
  const { storage } = plane
  const template = podTemplate(plane, componentNames.etcd, {
    secret: secretNames.etcd,
    container: {
      image: imagesOf(plane.spec.version, plane.registry).etcd,
      command: ['/usr/local/bin/etcd', ...flags(plane)],
      env: [
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        ...goMemoryEnv(sizes[size].etcd, resources.limits.memory),
      ],
      ports: Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort })),
      resources,
      ...probes({ port: ports.metrics, scheme: 'HTTP' }, { live: '/livez', ready: '/readyz' }),
      volumeMounts: [{ name: 'data', mountPath: dataFolder }],
    },
    ...(storage.kind === 'ephemeral' && { volumes: [{ name: 'data', emptyDir: { sizeLimit: dataStore.storageSize } }] }),
    fields: { terminationGracePeriodSeconds: 10, ...(dataStore.replicas > 1 && spread(plane, componentNames.etcd)) },
  })
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadataOf(plane, componentNames.etcd, componentNames.etcd),
    spec: {
      replicas: dataStore.replicas,
      serviceName: etcdPeersService,
      // Members wait for each other to become ready, so they have to start together.
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 2,
      selector: { matchLabels: selectorOf(plane, componentNames.etcd) },
      template,
      ...(storage.kind === 'claim' && {
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: { name: 'data' },
            spec: {
              accessModes: ['ReadWriteOnce'],
              ...(storage.className !== undefined && { storageClassName: storage.className }),
              resources: { requests: { storage: dataStore.storageSize } },
            },
          },
        ],
      }),
    },
  }
}

const service = (plane: Plane, name: string, spec: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataOf(plane, name, componentNames.etcd),
  spec: { selector: selectorOf(plane, componentNames.etcd), ...spec },
})

/** etcd of one tenant alone. */
export const etcd: Component = {
  name: componentNames.etcd,
  desired: (plane) => [
    service(plane, componentNames.etcd, {
      clusterIP: dataStoreAddress(plane.slice),
      ports: [{ name: 'client', port: ports.client, targetPort: ports.client }],
      // A single member that is not ready is still the only one to ask: the API server then connects the moment it listens.
      publishNotReadyAddresses: plane.spec.dataStore.replicas === 1,
    }),
    service(plane, etcdPeersService, {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      ports: [
        { name: 'client', port: ports.client, targetPort: ports.client },
        { name: 'peer', port: ports.peer, targetPort: ports.peer },
      ],
    }),
    statefulSet(plane),
    ...(plane.spec.dataStore.replicas > 1 ? [disruptionBudget(plane, componentNames.etcd)] : []),
  ],
}
