import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { refOf } from '../controlplane/observe.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import type { startPlaneWorld } from './plane-world.ts'

/** Plays the controllers of Jobs and claims in a tenant's control-plane namespace. */
export const playJobs = ({ kube, listIn }: Pick<Awaited<ReturnType<typeof startPlaneWorld>>, 'kube' | 'listIn'>) => {
  const namespaceOf = (tenant: TenantControlPlane): string => controlPlaneNamespace(refOf(tenant))
  const jobsOf = async (tenant: TenantControlPlane): Promise<readonly KubeObject[]> =>
    (await listIn(namespaceOf(tenant), resourceTypes.jobs)).filter(({ metadata }) => !metadata.deletionTimestamp)
  /** The one that is at work. */
  const jobOf = async (tenant: TenantControlPlane): Promise<KubeObject | undefined> =>
    (await jobsOf(tenant)).find(({ status }) => !status?.conditions)

  const letGo = async (tenant: TenantControlPlane, type: typeof resourceTypes.jobs): Promise<void> => {
    const namespace = namespaceOf(tenant)
    for (const { metadata } of await listIn(namespace, type)) {
      const body = { metadata: { finalizers: null } }
      if (metadata.deletionTimestamp) await kube.patch(type, { name: metadata.name ?? '', namespace }, body, { type: 'merge' })
    }
  }

  return {
    jobsOf,
    jobOf,
    /** What the garbage collector would do: what is deleted in the foreground waits for it. */
    endJobs: (tenant: TenantControlPlane): Promise<void> => letGo(tenant, resourceTypes.jobs),
    /** What the controller of claims in use would do: nothing uses them. */
    endClaims: (tenant: TenantControlPlane): Promise<void> => letGo(tenant, resourceTypes.persistentVolumeClaims),
    /** What the Job controller would say. */
    endJob: async (tenant: TenantControlPlane, type: 'Complete' | 'Failed'): Promise<void> => {
      const job = await jobOf(tenant)
      if (!job || job.status?.conditions) return
      const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
      const before = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget'
      const conditions = [before, type].map((each) => ({ type: each, status: 'True', lastTransitionTime }))
      const completed = type === 'Complete' && { completionTime: lastTransitionTime }
      const status = { startTime: lastTransitionTime, conditions, ...completed }
      const { name = '', namespace = '' } = job.metadata
      await kube.patch(resourceTypes.jobs, { name, namespace }, { status }, { type: 'merge', subresource: 'status' })
    },
  }
}
