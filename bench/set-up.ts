import { setTimeout as sleep } from 'node:timers/promises'
import { ensureCluster, type LocalCluster } from '../hack/cluster/index.ts'
import { addKwokNodes, kwokNodeLabel } from '../hack/cluster/kwok.ts'
import { installBerth, systemNamespace } from '../hack/install/index.ts'
import type { Progress } from '../hack/progress.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import type { TenantControlPlane } from '../src/apis/tenant-control-plane.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { loadKubeconfig, parseKubeconfig } from '../src/kube/kubeconfig.ts'
import { createKubeClient } from '../src/kube/undici-client.ts'
import { hasCode } from '../src/lib/errors.ts'
import { networksOfFences } from '../src/syncer/network/fences.ts'
import { policiesOf } from '../src/syncer/network/openness.ts'
import { viewOf } from '../src/syncer/own-nodes.ts'
import { tenantSource } from '../src/syncer/tenant-source.ts'
import { tenantClasses } from '../src/tenancy/classes.ts'
import { kubeconfigSecretName } from '../src/tenancy/names.ts'
import { makeNamespace } from './namespaces.ts'
import type { BenchOptions } from './options.ts'
import type { BenchTenant, Rig } from './rig.ts'

/** Namespace of the benchmark's TenantControlPlanes. */
const tenantsNamespace = 'bench-tenants'
const tenantDeadlineMs = 180_000
/** Calls wait long: on a busy machine a slow answer is a figure, not a failure. */
const clientOptions = { userAgent: 'berth-bench', timeoutMs: 60_000 }

const makeTenant = async (superClient: KubeClient, name: string, className: string | undefined): Promise<void> => {
  const plane = {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'TenantControlPlane',
    metadata: { name, namespace: tenantsNamespace },
    spec: className === undefined ? {} : { className },
  }
  await superClient.create(resourceTypes.tenantControlPlanes, plane).catch((error: unknown) => {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  })
}

/** Waits until a tenant is Ready, and connects to it as its administrator. */
const connectTenant = async (superClient: KubeClient, name: string): Promise<BenchTenant> => {
  const ref = { name, namespace: tenantsNamespace }
  const end = Date.now() + tenantDeadlineMs
  for (;;) {
    const plane = await superClient.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, ref)
    const conditions = plane?.status?.conditions ?? []
    const ready = conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    if (plane && ready) {
      const namespace = plane.status?.controlPlaneNamespace ?? ''
      const secret = await superClient.get(resourceTypes.secrets, { name: 'syncer-kubeconfig', namespace })
      const source = tenantSource(plane, secret, [])
      const published = await superClient.get(resourceTypes.secrets, {
        name: kubeconfigSecretName(name),
        namespace: tenantsNamespace,
      })
      const kubeconfig = Buffer.from(published?.data?.value ?? '', 'base64').toString()
      if (source && kubeconfig) {
        const classes = tenantClasses({ priority: { selector: {} } }, () => ({
          get: (name) => ({ metadata: { name } }),
          list: () => [],
        }))
        const elsewhere = { podAt: () => undefined, hostStanding: () => 'free' as const }
        const own = { classes, nodes: viewOf([]), policies: policiesOf([]) }
        return {
          name,
          ctx: { ...source.ctx, ...networksOfFences([]), ...elsewhere, ...own },
          client: createKubeClient(parseKubeconfig(kubeconfig), clientOptions),
        }
      }
    }
    if (Date.now() > end) {
      const seen = conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`).join('\n  ')
      throw new Error(`tenant ${name} is not ready after ${tenantDeadlineMs / 1000} s:\n  ${seen}`)
    }
    await sleep(500)
  }
}

const openTenants = async (
  superClient: KubeClient,
  count: number,
  { progress, classOfLast }: { readonly progress: Progress; readonly classOfLast: string | undefined },
): Promise<BenchTenant[]> => {
  await makeNamespace(superClient, tenantsNamespace)
  const names = Array.from({ length: count }, (_, index) => `bench-${index}`)
  const tenants: BenchTenant[] = []
  // One after the other: all at once they only slow each other down on a small machine.
  for (const name of names) {
    progress(`tenant ${name}`)
    await makeTenant(superClient, name, name === names.at(-1) ? classOfLast : undefined)
    tenants.push(await connectTenant(superClient, name))
  }
  return tenants
}

/** vn-agent tolerates every taint; on nodes without a machine its pods would only be for show. */
const keepAgentsOffKwok = async (superClient: KubeClient): Promise<void> => {
  const nodeSelectorTerms = [{ matchExpressions: [{ key: kwokNodeLabel.key, operator: 'NotIn', values: [kwokNodeLabel.value] }] }]
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } }
  const type = { ...resourceTypes.deployments, plural: 'daemonsets', kind: 'DaemonSet' }
  const ref = { name: 'berth-vn-agent', namespace: systemNamespace }
  await superClient.patch(type, ref, { spec: { template: { spec: { affinity } } } }, { type: 'merge' })
}

/** The last of the tenants has another class than the others, which say none. */
export interface TenantOfClass {
  readonly className: string
  /** Makes the class, and what else is to be there before the tenants. */
  readonly make: (superClient: KubeClient) => Promise<void>
}

/** Brings up all that is measured on: a cluster with one true node for control planes, kwok nodes for pods, Berth, and the tenants. */
export const setUp = async (
  { cluster: name, pods, warmUp, tenants, ways, inFlight }: BenchOptions,
  progress: Progress,
  last?: TenantOfClass,
): Promise<Rig> => {
  const cluster: LocalCluster = await ensureCluster({ name, nodes: 1, progress })
  const superClient = createKubeClient(await loadKubeconfig(cluster.kubeconfigPath), clientOptions)
  const withTenants = ways.some((way) => way !== 'direct')
  if (withTenants) {
    await installBerth(cluster, progress)
    await keepAgentsOffKwok(superClient)
    await last?.make(superClient)
  }
  const kwokNodes = await addKwokNodes(cluster, Math.max(10, Math.ceil((pods + warmUp) / 500)), { progress })
  return {
    cluster,
    superClient,
    kwokNodes,
    tenants: withTenants ? await openTenants(superClient, tenants, { progress, classOfLast: last?.className }) : [],
    inFlight,
  }
}
