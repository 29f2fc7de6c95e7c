import type { KubeObject } from '../../apis/kube-object.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { probeImage } from '../../isolation/probe-image.ts'
import { isolationVerifyLabel, managedByBerth, managedByLabel } from '../../tenancy/marks.ts'
import { isolationVerifyAccount, isolationVerifyName, systemNamespace } from '../../tenancy/names.ts'
import { podSecurity } from '../components/plane.ts'
import { refOf } from '../observe.ts'
import { container } from '../snapshots/task-objects.ts'

/** A run takes minutes. What one leaves that is killed goes with a later one after as long. */
const deadlineSeconds = 15 * 60
/** What could not be begun for so long, since the cluster was away, waits for its next time. */
const lateSeconds = 10 * 60

/** Runs the checks of one tenant by its schedule, one run at a time; none while the tenant rests. Its account is the only one that may do it. */
export const runsOf = (
  tenant: TenantControlPlane,
  schedule: string,
  { image, registry }: { readonly image: string; readonly registry: string },
): KubeObject => {
  const { uid, name, namespace } = refOf(tenant)
  const labels = {
    [managedByLabel]: managedByBerth,
    'app.kubernetes.io/name': isolationVerifyAccount,
    [isolationVerifyLabel]: uid,
  }
  const { volumeMounts: _none, ...verify } = container('verify', image, [], [])
  const command = ['/usr/local/bin/node', '/app/dist/bin/cli.js', 'isolation', 'verify', name]
  const flags = [`--namespace=${namespace}`, '--record', `--image=${probeImage(registry)}`]
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: isolationVerifyName({ uid, name }), namespace: systemNamespace, labels },
    spec: {
      schedule,
      timeZone: 'Etc/UTC',
      suspend: tenant.spec.state !== 'Running',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: lateSeconds,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
      jobTemplate: {
        metadata: { labels },
        spec: {
          // A check that fails is a result, and the same a moment later.
          backoffLimit: 0,
          activeDeadlineSeconds: deadlineSeconds,
          template: {
            metadata: { labels },
            spec: {
              restartPolicy: 'Never',
              serviceAccountName: isolationVerifyAccount,
              automountServiceAccountToken: true,
              enableServiceLinks: false,
              terminationGracePeriodSeconds: 30,
              securityContext: podSecurity,
              containers: [
                {
                  ...verify,
                  command: [...command, ...flags],
                  // Its account has no home, and there is no kubeconfig.
                  env: [{ name: 'HOME', value: '/nonexistent' }],
                },
              ],
            },
          },
        },
      },
    },
  }
}

/** ClusterRole of the installation: to read Secrets, in namespaces in which it is bound. */
const kubeconfigsRole = 'berth:isolation-verify-kubeconfigs'
/** In the place of a tenant's UID. */
const grantMark = 'kubeconfigs'
export const grantSelector = `${isolationVerifyLabel}=${grantMark}`

/** Lets the account of the runs read the kubeconfigs of tenants in their namespace. */
export const grantOf = (namespace: string): KubeObject => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: {
    name: isolationVerifyAccount,
    namespace,
    labels: { [managedByLabel]: managedByBerth, [isolationVerifyLabel]: grantMark },
  },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: kubeconfigsRole },
  subjects: [{ kind: 'ServiceAccount', name: isolationVerifyAccount, namespace: systemNamespace }],
})
