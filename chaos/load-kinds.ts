import versions from '../images/versions.json' with { type: 'json' }
import type { KubeObject } from '../src/apis/kube-object.ts'
import { apiVersionOf, type ResourceType, resourceTypes } from '../src/apis/resource-types.ts'

/** Namespace of the load in each tenant. */
export const loadNamespace = 'load'
/** Label on all that the load makes. */
export const loadLabel = { key: 'app.kubernetes.io/part-of', value: 'chaos' }
/** ConfigMap and Secret that all pods of the load mount. */
export const usedName = 'used'

const countKey = 'chaos.example/count'

/** A kind that the load writes. Its functions are pure. */
export interface LoadKind {
  readonly type: ResourceType
  /** The object with what the write of number `count` says. Of a stored one all else stays, its resourceVersion too. */
  readonly written: (object: KubeObject, count: number) => KubeObject
  /** All that a write says, in one line: what `written` puts there. */
  readonly contentOf: (object: KubeObject) => string
}

const marked = (object: KubeObject, count: number): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [countKey]: String(count) } },
})
const countOf = ({ metadata }: KubeObject): string => metadata.annotations?.[countKey] ?? 'none'

const configMap: LoadKind = {
  type: resourceTypes.configMaps,
  written: (object, count) => ({ ...object, data: { count: String(count), text: `value ${count}` } }),
  contentOf: ({ data }) => `${data?.count} ${data?.text}`,
}

const secret: LoadKind = {
  type: resourceTypes.secrets,
  written: (object, count) => ({ ...object, data: { count: btoa(String(count)) } }),
  contentOf: ({ data }) => `${data?.count}`,
}

const service: LoadKind = {
  type: resourceTypes.services,
  written: (object, count) => ({
    ...marked(object, count),
    spec: {
      ...object['spec'],
      selector: { app: object.metadata.name },
      ports: [{ name: 'http', protocol: 'TCP', port: 1 + (count % 60_000), targetPort: 8080 }],
    },
  }),
  contentOf: (object) => `${countOf(object)} port ${object['spec']?.ports?.[0]?.port}`,
}

const claim: LoadKind = {
  type: resourceTypes.persistentVolumeClaims,
  written: (object, count) => ({
    ...marked(object, count),
    spec: object['spec'] ?? { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } },
  }),
  contentOf: countOf,
}

/** Runs until it is told to stop, and then stops at once. */
const idle = 'trap "exit 0" TERM; while true; do sleep 3600 & wait $!; done'
/** A new template makes all pods anew; so often it stays, and only their number changes. */
const templateEvery = 3

/** @param withClaim its pods use the claim of the same name. @param most replicas. */
const deployment = (withClaim: boolean, most: number): LoadKind => ({
  type: resourceTypes.deployments,
  written: (object, count) => {
    const { name = '' } = object.metadata
    const mount = (volume: string): object => ({ name: volume, mountPath: `/${volume}` })
    const volumes = [
      { name: 'settings', configMap: { name: usedName } },
      { name: 'passwords', secret: { secretName: usedName } },
      ...(withClaim ? [{ name: 'data', persistentVolumeClaim: { claimName: name } }] : []),
    ]
    const container = {
      name: 'main',
      image: `docker.io/library/busybox:${versions.busybox}`,
      command: ['sh', '-c', idle],
      resources: { requests: { cpu: '1m', memory: '8Mi' } },
      volumeMounts: volumes.map((volume) => mount(volume.name)),
    }
    return {
      ...marked(object, count),
      spec: {
        replicas: count % (most + 1),
        revisionHistoryLimit: 1,
        ...(withClaim && { strategy: { type: 'Recreate' } }),
        selector: { matchLabels: { app: name } },
        template: {
          metadata: {
            labels: { app: name, [loadLabel.key]: loadLabel.value },
            annotations: { [countKey]: String(Math.floor(count / templateEvery)) },
          },
          spec: { terminationGracePeriodSeconds: 1, containers: [container], volumes },
        },
      },
    }
  },
  contentOf: (object) => {
    const { replicas, template } = object['spec'] ?? {}
    return `${countOf(object)} replicas ${replicas} template ${template?.metadata?.annotations?.[countKey]}`
  },
})

/** What one user of a tenant goes on writing: sets of objects of one name, one change at a time. */
export interface Stream {
  readonly name: string
  /** Made in this order, deleted in the other. */
  readonly kinds: readonly LoadKind[]
  /** Mean time between two writes. */
  readonly everyMs: number
  /** Sets at once. */
  readonly most: number
  /** One set of this name is made and never deleted. */
  readonly fixed?: string
}

export const streams: readonly Stream[] = [
  { name: 'used', kinds: [configMap, secret], everyMs: 4_000, most: 1, fixed: usedName },
  { name: 'settings', kinds: [configMap], everyMs: 700, most: 12 },
  { name: 'passwords', kinds: [secret], everyMs: 1_500, most: 8 },
  { name: 'doors', kinds: [service], everyMs: 1_500, most: 6 },
  { name: 'workloads', kinds: [deployment(false, 2)], everyMs: 15_000, most: 2 },
  { name: 'keepers', kinds: [claim, deployment(true, 1)], everyMs: 20_000, most: 1 },
]

/** Every kind once, to list what is stored. */
export const loadKinds: readonly LoadKind[] = [configMap, secret, service, claim, deployment(false, 2)]

/** A new object of the load. */
export const newObject = ({ type, written }: LoadKind, name: string, count: number): KubeObject =>
  written(
    {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: { name, namespace: loadNamespace, labels: { [loadLabel.key]: loadLabel.value } },
    },
    count,
  )
