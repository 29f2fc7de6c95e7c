import type { KubeObject } from '../../apis/kube-object.ts'
import { hopelessExitCode, type SnapshotTask, taskFiles } from '../../apis/snapshot-task.ts'
import { labelsOf, metadataOf, type Plane, podSecurity } from '../components/plane.ts'
import { peerUrl } from '../data-stores/etcd-config.ts'
import { taskNames } from '../names.ts'
import { etcdMember } from '../pki/plan.ts'

type Place = Pick<Plane, 'tenant' | 'namespace'>

/** A pod of Berth's own image that carries out one order and ends. */
export interface TaskPlace extends Place {
  /** Of Job, Secret and NetworkPolicy. */
  readonly name: string
  readonly image: string
  readonly labels?: Readonly<Record<string, string>>
}

/** A try that takes longer than this is given up. */
const deadlineSeconds = 3_600
const tries = 3

const container = (name: string, image: string, command: readonly string[], mounts: readonly object[]) => ({
  name,
  image,
  imagePullPolicy: 'IfNotPresent',
  command,
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '512Mi' } },
  volumeMounts: mounts,
})

const orderMount = { name: 'order', mountPath: '/etc/berth/task', readOnly: true }
const step = (name: string, image: string, mounts: readonly object[]) =>
  container(name, image, ['/usr/local/bin/node', '/app/dist/bin/snapshot.js', name], [orderMount, ...mounts])

const job = (
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
        volumes: [{ name: 'order', secret: { secretName: place.name, defaultMode: 0o440 } }, ...(pod.volumes ?? [])],
      },
    },
  },
})

/** Saves what etcd has. */
export const saveJob = (place: TaskPlace): KubeObject =>
  job(place, taskNames.snapshot, { containers: [step('save', place.image, [])] })

/** Makes the volume of the first member one that was restored. The volume is there; nothing else may use it. */
export const loadJob = (
  place: TaskPlace & { readonly etcdImage: string; readonly claim: string; readonly workBytes: number },
): KubeObject => {
  const data = { name: 'data', mountPath: taskFiles.data }
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
    '--bump-revision=1000000000',
    '--mark-compacted',
  ]
  return job(place, taskNames.restore, {
    initContainers: [
      step('fetch', place.image, [data, work]),
      container('restore', place.etcdImage, restore, [data, { ...work, readOnly: true }]),
    ],
    containers: [step('settle', place.image, [data])],
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: place.claim } },
      { name: 'work', emptyDir: { sizeLimit: String(place.workBytes) } },
    ],
  })
}

/** The order, with all that it takes to carry it out. */
export const orderSecret = (place: Pick<TaskPlace, 'tenant' | 'namespace' | 'name'>, task: SnapshotTask): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadataOf(place, place.name, task.kind === 'save' ? taskNames.snapshot : taskNames.restore),
  type: 'Opaque',
  data: { 'task.json': Buffer.from(JSON.stringify(task)).toString('base64') },
})
