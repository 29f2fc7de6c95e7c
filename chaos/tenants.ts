import { until } from '../hack/processes.ts'
import type { Progress } from '../hack/progress.ts'
import type { KubeObject } from '../src/apis/kube-object.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import type { TenantControlPlane } from '../src/apis/tenant-control-plane.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { parseKubeconfig } from '../src/kube/kubeconfig.ts'
import { createKubeClient } from '../src/kube/undici-client.ts'
import { kubeconfigSecretName } from '../src/tenancy/names.ts'
import type { PlannedTenant } from './plan.ts'
import { sharedStoreName } from './shared-store.ts'

/** Namespace of the tenants of this program: what is in it when a run begins is left over from one that was cut off. */
export const tenantsNamespace = 'chaos'

/** A tenant as the mix has it. */
export interface MixedTenant extends PlannedTenant {
  /** In words, for the report. */
  readonly shape: string
  readonly spec: object
}

const wide = { dataStore: { replicas: 3 }, apiServer: { replicas: 2 }, controllerManager: { replicas: 2 } }
const wideShape = '3 etcd, 2 API servers, 2 controller managers'

/** Five tenants: of several replicas, of one of each, and with their data in an etcd that they share. */
export const mix: readonly MixedTenant[] = [
  { name: 'wide-1', dataStore: 'dedicated', shape: wideShape, spec: wide },
  { name: 'wide-2', dataStore: 'dedicated', shape: wideShape, spec: wide },
  { name: 'plain-1', dataStore: 'dedicated', shape: 'one of each', spec: {} },
  { name: 'plain-2', dataStore: 'dedicated', shape: 'one of each', spec: {} },
  {
    name: 'pooled-1',
    dataStore: 'shared',
    shape: 'one of each, shared etcd',
    spec: { dataStore: { kind: 'shared', name: sharedStoreName } },
  },
]

/** A tenant that is under load. */
export interface ChaosTenant extends MixedTenant {
  readonly uid: string
  readonly controlPlaneNamespace: string
  /** As its administrator, with the published kubeconfig. */
  readonly client: KubeClient
}

const type = resourceTypes.tenantControlPlanes
const readyMs = 300_000
const goneMs = 300_000

export const readTenant = (superClient: KubeClient, name: string): Promise<TenantControlPlane | undefined> =>
  superClient.get<TenantControlPlane>(type, { name, namespace: tenantsNamespace })

/** Conditions that are not as they should be, in words; none for a tenant that is Ready. */
export const complaintsOf = (name: string, plane: TenantControlPlane | undefined): string[] => {
  if (!plane) return [`tenant ${name} is gone`]
  const conditions = plane.status?.conditions ?? []
  if (conditions.some((each) => each.type === 'Ready' && each.status === 'True')) return []
  const unmet = conditions.filter(({ status }) => status !== 'True')
  return [`tenant ${name}: ${unmet.map((each) => `${each.type} ${each.reason}: ${each.message}`).join('; ') || 'no status'}`]
}

/** Makes a tenant and waits until it can be used. @throws with its conditions when it is not Ready within five minutes. */
export const makeTenant = async (superClient: KubeClient, mixed: MixedTenant): Promise<ChaosTenant> => {
  const { name, spec } = mixed
  const object: KubeObject = {
    apiVersion: 'berth.dev/v1alpha1',
    kind: type.kind,
    metadata: { name, namespace: tenantsNamespace },
    spec,
  }
  await superClient.create(type, object)
  let complaints: string[] = []
  const plane = await until(
    `tenant ${name} Ready`,
    readyMs,
    async () => {
      const found = await readTenant(superClient, name)
      complaints = complaintsOf(name, found)
      return complaints.length === 0 ? found : undefined
    },
    { everyMs: 500, seen: () => complaints.join('; ') },
  )
  const secret = await superClient.get(resourceTypes.secrets, {
    name: kubeconfigSecretName(name),
    namespace: tenantsNamespace,
  })
  const kubeconfig = Buffer.from(String(secret?.['data']?.value ?? ''), 'base64').toString()
  return {
    ...mixed,
    uid: plane.metadata.uid ?? '',
    controlPlaneNamespace: plane.status?.controlPlaneNamespace ?? '',
    client: createKubeClient(parseKubeconfig(kubeconfig), { userAgent: 'berth-chaos' }),
  }
}

/** Deletes all tenants of this program, also those of a run that was cut off, and waits until they are gone. */
export const removeTenants = async (superClient: KubeClient, progress: Progress): Promise<void> => {
  const listed = async () => (await superClient.list(type, { namespace: tenantsNamespace, metadataOnly: true })).items
  const items = await listed()
  if (items.length === 0) return
  progress(`deleting ${items.length} tenants`)
  for (const { metadata } of items) await superClient.delete(type, { name: metadata.name ?? '', namespace: tenantsNamespace })
  await until('tenants gone', goneMs, async () => (await listed()).length === 0, {
    everyMs: 1_000,
    seen: async () => `left: ${(await listed()).map(({ metadata }) => metadata.name).join(' ')}`,
  })
}
