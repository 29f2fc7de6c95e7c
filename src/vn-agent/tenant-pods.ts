import type { KubeObject } from '../apis/kube-object.ts'
import { isHostsContainer } from '../tenancy/hosts-container.ts'
import {
  tenantLabel,
  tenantNameAnnotation,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
  writtenKeysAnnotation,
} from '../tenancy/marks.ts'
import { superNamespace, type TenantRef } from '../tenancy/names.ts'

type Tenant = Pick<TenantRef, 'uid' | 'name'>

/** A pod of one tenant on this node, in both worlds. */
export interface NodePod {
  readonly superNamespace: string
  readonly superUid: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly superPod: KubeObject
}

/** The pod as the tenant's; undefined for what stands in the tenant's super namespace without being one of its pods on this node. */
export const nodePodOf = (superPod: KubeObject, tenant: Tenant, nodeName: string): NodePod | undefined => {
  const { labels = {}, annotations = {}, name = '', namespace: home = '', uid: superUid } = superPod.metadata
  const namespace = annotations[tenantNamespaceAnnotation]
  const uid = annotations[tenantObjectUidAnnotation]
  if (labels[tenantLabel] !== tenant.uid || namespace === undefined || !uid || !superUid) return undefined
  if (annotations[tenantNameAnnotation] !== name || superNamespace(tenant, namespace) !== home) return undefined
  if (superPod.spec?.['nodeName'] !== nodeName) return undefined
  return { superNamespace: home, superUid, namespace, name, uid, superPod }
}

type Fields = Readonly<Record<string, unknown>>

const pick = (object: Fields, fields: readonly string[]): Fields =>
  Object.fromEntries(fields.filter((field) => object[field] !== undefined).map((field) => [field, object[field]]))

// What is the same on both sides. Environment, volumes, DNS and accounts are super's own way to make the tenant's pod, and none of the tenant's business.
const specFields = [
  'activeDeadlineSeconds',
  'hostIPC',
  'hostNetwork',
  'hostPID',
  'nodeName',
  'os',
  'overhead',
  'preemptionPolicy',
  'priority',
  'readinessGates',
  'resources',
  'restartPolicy',
  'runtimeClassName',
  'schedulerName',
  'shareProcessNamespace',
  'terminationGracePeriodSeconds',
]
const containerFields = [
  'name',
  'image',
  'imagePullPolicy',
  'command',
  'args',
  'workingDir',
  'ports',
  'resources',
  'restartPolicy',
  'stdin',
  'stdinOnce',
  'tty',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'securityContext',
  'terminationMessagePath',
  'terminationMessagePolicy',
]
const containerLists = ['initContainers', 'containers', 'ephemeralContainers']

const keysOf = (written: string | undefined, at: 0 | 1): ReadonlySet<string> =>
  new Set((written?.split(';')[at] ?? '').split(',').filter((key) => key !== ''))

const only = (map: Readonly<Record<string, string>> = {}, keys: ReadonlySet<string>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).filter(([key]) => keys.has(key)))

/** Without the init container that only super knows of, in spec and status. */
const ownContainers = (superPod: KubeObject): { readonly spec: Fields; readonly status: Fields } => {
  const { spec = {}, status = {} } = superPod
  const hidden = new Set(((spec['initContainers'] ?? []) as Fields[]).filter(isHostsContainer).map(({ name }) => name))
  if (hidden.size === 0) return { spec, status }
  const without = (object: Fields, list: string): Fields => {
    const kept = ((object[list] ?? []) as Fields[]).filter(({ name }) => !hidden.has(name))
    const { [list]: _all, ...rest } = object
    return kept.length > 0 ? { ...rest, [list]: kept } : rest
  }
  return { spec: without(spec, 'initContainers'), status: without(status, 'initContainerStatuses') }
}

/** Messages of a status may name the super namespace and super's UID of the pod. */
const inTenantsWords = (status: unknown, { superNamespace: home, namespace, superUid, uid }: NodePod): unknown =>
  JSON.parse(JSON.stringify(status).replaceAll(home, namespace).replaceAll(superUid, uid))

/**
 * The pod as its tenant knows it, for `/pods`: the tenant's names, UID, labels and annotations, what both sides share of the spec, and the whole
 * status. A super pod says nothing of owners, finalizers or generations in the tenant: these are left out.
 */
export const tenantPodOf = (pod: NodePod): KubeObject => {
  const { superPod, namespace, name, uid } = pod
  const { metadata } = superPod
  const { spec, status } = ownContainers(superPod)
  const written = metadata.annotations?.[writtenKeysAnnotation]
  const lists = containerLists.filter((list) => Array.isArray(spec[list]))
  return {
    metadata: {
      name,
      namespace,
      uid,
      labels: only(metadata.labels, keysOf(written, 0)),
      annotations: only(metadata.annotations, keysOf(written, 1)),
      ...pick(metadata as Fields, ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds']),
    },
    spec: {
      ...pick(spec, specFields),
      ...Object.fromEntries(lists.map((list) => [list, (spec[list] as Fields[]).map((one) => pick(one, containerFields))])),
    },
    status: inTenantsWords(status, pod),
  }
}

/** True when a container of the pod runs. */
export const isRunning = ({ superPod: { status = {} } }: NodePod): boolean =>
  ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'].some((list) =>
    ((status[list] ?? []) as { state?: { running?: unknown } }[]).some(({ state }) => state?.running !== undefined),
  )

/** The pod as `/runningpods/` has it: who it is and what runs. */
export const runningPodOf = (pod: NodePod): KubeObject => ({
  metadata: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
  spec: { containers: ((pod.superPod.spec?.['containers'] ?? []) as Fields[]).map((one) => pick(one, ['name', 'image'])) },
  status: {},
})
