import type { KubeObject } from '../../apis/kube-object.ts'
import { hopelessExitCode, remapEtcd, type SnapshotTask, taskFiles } from '../../apis/snapshot-task.ts'
import { labelsOf, metadataOf, type Plane, podSecurity } from '../components/plane.ts'
import { peerUrl } from '../data-stores/etcd-config.ts'
import { remapStore, taskNames } from '../names.ts'
import { etcdMember } from '../pki/plan.ts'

type Place = Pick<Plane, 'tenant' | 'namespace'>

/** A pod of Berth's own image that carries out one order and ends. */
export interface TaskPlace extends Place {
  /** Of Job, Secret and NetworkPolicy. */
  readonly name: string
  readonly image: string
  readonly labels?: Readonly<Record<string, string>>
}

/** All tries together. */
const deadlineSeconds = 3_600
const tries = 3

/** A container that may do nothing but its work. */
export const container = (name: string, image: string, command: readonly string[], mounts: readonly object[]) => ({
  name,
  image,
  imagePullPolicy: 'IfNotPresent',
  command,
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '512Mi' } },
  volumeMounts: mounts,
})

const program = ['/usr/local/bin/node', '/app/dist/bin/snapshot.js']
const orderMount = { name: 'order', mountPath: '/etc/berth/task', readOnly: true }
/** The volume with the order. */
export const orderOf = (secretName: string, keys: readonly string[] = ['task.json']) => ({
  name: 'order',
  secret: { secretName, defaultMode: 0o440, items: keys.map((key) => ({ key, path: key })) },
})
/** One step of an order. */
export const step = (name: string, image: string, mounts: readonly object[]) =>
  container(name, image, [...program, name], [orderMount, ...mounts])

/** A Job that is tried three times within an hour. */
export const job = (
  place: TaskPlace,
  component: string,
  pod: { containers: unknown[]; initContainers?: unknown[]; volumes?: unknown[] },
) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { ...metadataOf(place, place.name, component), labels: { ...labelsOf(place, component), ...place.labels } },
  spec: {
    backoffLimit: tries - 1,
    activeDeadlineSeconds: deadlineSeconds,
    podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [hopelessExitCode] } }] },
    template: {
      metadata: { labels: labelsOf(place, component) },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: podSecurity,
        ...pod,
      },
    },
  },
})

/** Saves what etcd has. */
export const saveJob = (place: TaskPlace): KubeObject =>
  job(place, taskNames.snapshot, { containers: [step('save', place.image, [])], volumes: [orderOf(place.name)] })

const dataMount = { name: 'data', mountPath: taskFiles.data }
const dataOf = (claimName: string) => ({ name: 'data', persistentVolumeClaim: { claimName } })

/** An etcd on the loaded data, for nobody but the pod that it is in: it ends with it, and has written all by then. */
const storeBeside = ({ etcdImage, quotaBytes }: { readonly etcdImage: string; readonly quotaBytes: number }) => ({
  ...container(
    remapStore,
    etcdImage,
    [
      '/usr/local/bin/etcd',
      `--name=${etcdMember(0)}`,
      `--data-dir=${taskFiles.data}/incoming`,
      `--listen-client-urls=${remapEtcd}`,
      `--advertise-client-urls=${remapEtcd}`,
      '--listen-peer-urls=http://127.0.0.1:2380',
      `--initial-advertise-peer-urls=${peerUrl(0)}`,
      `--initial-cluster=${etcdMember(0)}=${peerUrl(0)}`,
      `--quota-backend-bytes=${quotaBytes}`,
      // Room for one object of the largest size, and what goes with it.
      `--max-request-bytes=${4 * 2 ** 20}`,
      '--log-level=warn',
    ],
    [dataMount],
  ),
  restartPolicy: 'Always',
  resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '1Gi' } },
})

/** What it takes to bring a snapshot to a folder and to open it there. */
interface Loading {
  readonly etcdImage: string
  readonly quotaBytes: number
  /** Added to each revision of the snapshot. */
  readonly bumpRevision: number
}

/** Brings what is stored, makes data of it, and runs an etcd on them. */
export const restoreSteps = (place: TaskPlace & Loading) => {
  const work = { name: 'work', mountPath: taskFiles.work }
  const member = etcdMember(0)
  const restore = [
    '/usr/local/bin/etcdutl',
    'snapshot',
    'restore',
    `${taskFiles.work}/snapshot.db`,
    `--data-dir=${taskFiles.data}/incoming`,
    `--name=${member}`,
    `--initial-cluster=${member}=${peerUrl(0)}`,
    `--initial-advertise-peer-urls=${peerUrl(0)}`,
    `--initial-cluster-token=${place.tenant.uid}`,
    // No revision is given out twice, and whoever watches has to list anew: etcd.io/docs, Disaster recovery.
    ...(place.bumpRevision > 0 ? [`--bump-revision=${place.bumpRevision}`, '--mark-compacted'] : []),
  ]
  return {
    fetch: step('fetch', place.image, [dataMount, work]),
    restore: container('restore', place.etcdImage, restore, [dataMount, { ...work, readOnly: true }]),
    store: storeBeside(place),
  }
}

/** Brings a snapshot to the volume of the first member, beside the data that are there. Nothing else may use the volume. */
export const loadJob = (
  place: TaskPlace &
    Loading & {
      readonly claim: string
      readonly workBytes: number
      /** What was brought is made the data of another tenant. */
      readonly remaps: boolean
    },
): KubeObject => {
  const { fetch, restore, store } = restoreSteps(place)
  return job(place, taskNames.restore, {
    ...(place.remaps
      ? { initContainers: [fetch, restore, store], containers: [step('remap', place.image, [])] }
      : { initContainers: [fetch], containers: [restore] }),
    volumes: [orderOf(place.name), dataOf(place.claim), { name: 'work', emptyDir: { sizeLimit: String(place.workBytes) } }],
  })
}

/** Puts what was brought in the place of the data. Once begun, it has to be carried through. */
export const settleJob = (place: TaskPlace & { readonly claim: string; readonly restore: string }): KubeObject =>
  job(place, taskNames.restore, {
    containers: [container('settle', place.image, [...program, 'settle', place.restore], [dataMount])],
    volumes: [dataOf(place.claim)],
  })

/** The order, with all that it takes to carry it out. */
export const orderSecret = (place: Pick<TaskPlace, 'tenant' | 'namespace' | 'name'>, task: SnapshotTask): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadataOf(place, place.name, task.kind === 'save' ? taskNames.snapshot : taskNames.restore),
  type: 'Opaque',
  data: { 'task.json': Buffer.from(JSON.stringify(task)).toString('base64') },
})
