import type { KubeObject } from '../../apis/kube-object.ts'
import { labelsOf, metadataOf, type Plane, podSecurity } from '../components/plane.ts'
import { dataFolder, peerUrl } from '../data-stores/etcd-config.ts'
import { taskNames } from '../names.ts'
import { etcdMember } from '../pki/plan.ts'
import { container } from '../snapshots/task-objects.ts'

const work = { name: 'work', mountPath: '/work' }
const snapshot = `${work.mountPath}/empty.db`
/** Nobody but the pod itself: nothing is in it. */
const client = 'http://127.0.0.1:2379'
const metricsPort = 2381

/**
 * Makes the data folder of a first member, without any key, whose revisions begin after `revision`. etcd counts from one, and the only way to begin elsewhere is
 * to restore a snapshot: so one is taken of an etcd that has nothing in it. All history before is marked as compacted, so that nobody goes on with a list or a
 * watch of the store before.
 */
export const seedJob = (
  place: Pick<Plane, 'tenant' | 'namespace'> & {
    readonly name: string
    readonly etcdImage: string
    readonly claim: string
    readonly revision: number
  },
): KubeObject => {
  const member = etcdMember(0)
  const serve = [
    '/usr/local/bin/etcd',
    `--data-dir=${work.mountPath}/data`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    `--listen-metrics-urls=http://0.0.0.0:${metricsPort}`,
    '--log-level=warn',
  ]
  const restore = [
    '/usr/local/bin/etcdutl',
    'snapshot',
    'restore',
    snapshot,
    `--data-dir=${dataFolder}/data`,
    `--name=${member}`,
    `--initial-cluster=${member}=${peerUrl(0)}`,
    `--initial-advertise-peer-urls=${peerUrl(0)}`,
    `--initial-cluster-token=${place.tenant.uid}`,
    `--bump-revision=${place.revision}`,
    '--mark-compacted',
  ]
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: metadataOf(place, place.name, taskNames.move),
    spec: {
      // A folder that is there already is not written to again: a second try would say only that.
      backoffLimit: 0,
      activeDeadlineSeconds: 300,
      ttlSecondsAfterFinished: 3600,
      template: {
        metadata: { labels: labelsOf(place, taskNames.move) },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: podSecurity,
          initContainers: [
            {
              ...container('empty', place.etcdImage, serve, [work]),
              restartPolicy: 'Always',
              startupProbe: { httpGet: { path: '/readyz', port: metricsPort }, periodSeconds: 1, failureThreshold: 120 },
            },
            container(
              'save',
              place.etcdImage,
              ['/usr/local/bin/etcdctl', `--endpoints=${client}`, 'snapshot', 'save', snapshot],
              [work],
            ),
          ],
          containers: [container('restore', place.etcdImage, restore, [work, { name: 'data', mountPath: dataFolder }])],
          volumes: [
            { name: 'work', emptyDir: { sizeLimit: '512Mi' } },
            { name: 'data', persistentVolumeClaim: { claimName: place.claim } },
          ],
        },
      },
    },
  }
}
