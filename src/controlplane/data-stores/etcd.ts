import type { KubeObject } from '../../apis/kube-object.ts'
import { membersAnnotation } from '../../tenancy/marks.ts'
import { dataStoreAddress } from '../../tenancy/slices.ts'
import { hashOf } from '../apply.ts'
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
import { componentNames, etcdMembersConfig, etcdPeersService, secretNames } from '../names.ts'
import { etcdMember } from '../pki/plan.ts'
import { goMemoryEnv, planeSizeOf, resourcesOf } from '../sizes.ts'
import { imagesOf } from '../versions.ts'
import { dataFolder, etcdPorts, memberConfig, type StoreSettings } from './etcd-config.ts'
import { planText } from './store-plan.ts'

const configFolder = '/etc/etcd'

/** The disk that every member of a data store has, as a quantity: while disks grow, that of the one that comes last. */
export const diskSizeOf = ({ storage, spec }: Pick<Plane, 'storage' | 'spec'>): string =>
  storage.kind === 'claim' && storage.smallest !== undefined ? storage.smallest : spec.dataStore.storageSize

const settingsOf = (plane: Plane): StoreSettings => ({
  tenant: plane.tenant,
  diskSize: diskSizeOf(plane),
  isAlone: plane.store.members.length === 1,
})

/**
 * What all members have in common: a change of it starts them anew, one after the other. Who the others are is no reason to, nor is the size of the disks: the
 * quota that goes with it is taken up by members as they start, and one that is full is started for it.
 */
const commonHash = ({ tenant }: Plane): string =>
  hashOf(memberConfig({ ordinal: 0, start: 'found', peers: [0] }, { tenant, diskSize: '2Gi', isAlone: true }))

/** The members' configuration, and the plan it was made of: what is known of the members while etcd does not answer. */
export const membersConfig = (plane: Plane): KubeObject => {
  const { name, namespace, labels } = metadataOf(plane, etcdMembersConfig, componentNames.etcd)
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels, annotations: { [membersAnnotation]: planText(plane.store) } },
    data: Object.fromEntries(
      plane.store.members.map((member) => [`${etcdMember(member.ordinal)}.yaml`, memberConfig(member, settingsOf(plane))]),
    ),
  }
}

const statefulSet = (plane: Plane): KubeObject => {
  const { dataStore, size } = plane.spec
  const podSize = planeSizeOf(size, plane.sizes).etcd
  const resources = resourcesOf(podSize)
  const { storage, store } = plane
  const template = podTemplate(plane, componentNames.etcd, {
    secret: secretNames.etcd,
    container: {
      image: imagesOf(plane.spec.version, plane.registry).etcd,
      command: ['/usr/local/bin/etcd', `--config-file=${configFolder}/$(POD_NAME).yaml`],
      env: [
        { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        ...goMemoryEnv(podSize, resources.limits.memory),
      ],
      ports: Object.entries(etcdPorts).map(([name, containerPort]) => ({ name, containerPort })),
      resources,
      // A member that joins is not ready before it has all data, however long that takes.
      ...probes({ port: etcdPorts.metrics, scheme: 'HTTP' }, { live: '/livez', ready: '/readyz' }, 3600),
      // It goes on until every node has heard that it goes: a connection to an address that is gone gets no answer at all, not even a refusal.
      lifecycle: { preStop: { sleep: { seconds: 3 } } },
      volumeMounts: [
        { name: 'config', mountPath: configFolder, readOnly: true },
        { name: 'data', mountPath: dataFolder },
      ],
    },
    annotations: { 'berth.dev/config-hash': commonHash(plane) },
    volumes: [
      { name: 'config', configMap: { name: etcdMembersConfig } },
      ...(storage.kind === 'ephemeral' ? [{ name: 'data', emptyDir: { sizeLimit: dataStore.storageSize } }] : []),
    ],
    fields: { terminationGracePeriodSeconds: 15, ...spread(plane, componentNames.etcd) },
  })
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadataOf(plane, componentNames.etcd, componentNames.etcd),
    spec: {
      replicas: store.members.length,
      serviceName: etcdPeersService,
      // Members wait for each other to become ready, so they have to start together.
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 2,
      // Held, nothing that runs is rolled, and what is made anew is of the newest revision: with a partition it would be of the oldest.
      updateStrategy: store.isHeld ? { type: 'OnDelete' } : { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
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
              // What is there cannot be changed: it is made anew for that, around its pods.
              resources: { requests: { storage: storage.template ?? dataStore.storageSize } },
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
      ...(!plane.isApart && { clusterIP: dataStoreAddress(plane.slice) }),
      ports: [{ name: 'client', port: etcdPorts.client, targetPort: etcdPorts.client }],
      // A single member that is not ready is still the only one to ask: the API server then connects the moment it listens.
      publishNotReadyAddresses: plane.store.members.length === 1 && !plane.store.isHeld,
    }),
    service(plane, etcdPeersService, {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      ports: [
        { name: 'client', port: etcdPorts.client, targetPort: etcdPorts.client },
        { name: 'peer', port: etcdPorts.peer, targetPort: etcdPorts.peer },
      ],
    }),
    statefulSet(plane),
    ...(plane.store.members.length > 1 ? [disruptionBudget(plane, componentNames.etcd)] : []),
  ],
}
