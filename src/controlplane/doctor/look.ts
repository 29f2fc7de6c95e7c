import type { KubeObject } from '../../apis/kube-object.ts'
import { apiVersionOf, type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError, explainError, hasCode } from '../../lib/errors.ts'
import { silences } from '../super-cluster.ts'
import { type Facts, type Finding, findingsOf, type Part } from './findings.ts'

const place = 'berth-system'

/** What Berth consists of, and what does not happen without each. */
const parts = {
  manager: {
    name: 'berth-manager',
    type: resourceTypes.deployments,
    does: 'nothing of any control plane is made, mended or renewed',
  },
  syncer: { name: 'berth-syncer', type: resourceTypes.deployments, does: 'nothing goes down to super and nothing comes up' },
  agent: {
    name: 'berth-vn-agent',
    type: resourceTypes.daemonSets,
    does: 'tenants have no logs, exec, port-forward and metrics of pods',
  },
} as const

interface Asked {
  readonly client: KubeClient
  readonly signal: AbortSignal
}

const look = async (
  { name, type, does }: { readonly name: string; readonly type: ResourceType; readonly does: string },
  { client, signal }: Asked,
): Promise<Part> => {
  const [workload, pods] = await Promise.all([
    client.get<KubeObject>(type, { name, namespace: place }, { signal }),
    client.list(resourceTypes.pods, { namespace: place, labelSelector: `app.kubernetes.io/name=${name}`, signal }),
  ])
  return { name, does, workload: workload && { ...workload, kind: type.kind, apiVersion: apiVersionOf(type) }, pods: pods.items }
}

const leaderSilence = async (now: Date, { client, signal }: Asked): Promise<number | undefined> => {
  const lease = await client.get(resourceTypes.leases, { name: parts.manager.name, namespace: place }, { signal })
  const renewed = Date.parse(lease?.spec?.renewTime ?? '')
  return Number.isNaN(renewed) || !lease?.spec?.holderIdentity ? undefined : now.getTime() - renewed
}

const lookAtSuper = async (
  client: KubeClient | undefined,
  { isApart, signal }: { readonly isApart: boolean; readonly signal: AbortSignal },
): Promise<Facts['inSuper']> => {
  if (!client) return { kind: 'elsewhere' }
  try {
    const [agent, nodes] = await Promise.all([
      look(parts.agent, { client, signal }),
      client.list(resourceTypes.nodes, { signal }),
    ])
    return { kind: 'seen', agent, nodes: nodes.items }
  } catch (error) {
    if (!isApart || !hasCode(error, ...silences)) throw error
    return { kind: 'away', message: explainError(error) }
  }
}

/** Looks at Berth, at super's nodes and at tenants, all of them or the one that is named, and gives what is wrong. Writes nothing; reads no Secret. */
export const diagnose = async (
  {
    tenant,
    now,
    signal,
  }: {
    readonly tenant?: { readonly name: string; readonly namespace: string }
    readonly now: Date
    readonly signal: AbortSignal
  },
  { management: client, superClient }: { readonly management: KubeClient; readonly superClient: KubeClient | undefined },
): Promise<readonly Finding[]> => {
  const asked = { client, signal }
  const tenants = async (): Promise<readonly TenantControlPlane[]> => {
    if (!tenant) return (await client.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, { signal })).items
    const found = await client.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, tenant, { signal })
    if (found) return [found]
    throw new AppError(
      'TENANT_NOT_FOUND',
      `there is no tenant ${tenant.name} in namespace ${tenant.namespace}; berth tenant list -A shows all`,
      {},
    )
  }
  const [manager, syncer, leaderSilentMs, all] = await Promise.all([
    look(parts.manager, asked),
    look(parts.syncer, asked),
    leaderSilence(now, asked),
    tenants(),
  ])
  const isApart = all.some(({ status }) => status?.superCluster?.isApart)
  const inSuper = superClient ?? (isApart ? undefined : client)
  return findingsOf({
    manager,
    syncer,
    leaderSilentMs,
    inSuper: await lookAtSuper(inSuper, { isApart: superClient !== undefined, signal }),
    tenants: all,
    now,
  })
}
