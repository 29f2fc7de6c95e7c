import type { KubeObject } from '../../apis/kube-object.ts'
import { apiVersionOf, resourceTypes } from '../../apis/resource-types.ts'
import { agentPort } from '../../tenancy/agent-port.ts'
import { blockOf, cidrText } from '../../tenancy/ip-sets.ts'
import { managedByBerth, managedByLabel, superNetworksAnnotation, tenantLabel } from '../../tenancy/marks.ts'
import { superNamespace } from '../../tenancy/names.ts'
import type { SyncContext } from '../resource.ts'
import type { SuperField } from '../tenant-source.ts'
import { directions, openLabels } from './openness.ts'
import { basePeers, type Direction, policyTypeOf } from './peers.ts'

/** Names of Berth's own policies in a super namespace. */
const fenceNames = { closed: 'berth-closed', ingress: 'berth-ingress', egress: 'berth-egress', agents: 'berth-agents' } as const

/** What super namespaces of a tenant may have of them. */
export const allFenceNames: readonly string[] = Object.values(fenceNames)

/** True for a policy of Berth's own, by name and label: no tenant identity may write one. */
export const isFence = ({ metadata }: KubeObject): boolean =>
  metadata.labels?.[managedByLabel] === managedByBerth && allFenceNames.includes(metadata.name ?? '')

/** What the policies of a super namespace were made from: for those who compare and do not know what the syncer was told of super. */
type Known = Pick<SyncContext, SuperField>

/** Whether pods of a super namespace reach vn-agent. Without nodes there is nobody to reach, and a rule without peers would mean everybody. */
const hasAgents = ({ isolation, tenant, superNodeRanges }: SyncContext, namespace: string): boolean =>
  superNodeRanges.length > 0 && isolation.network.agentFrom.some((each) => superNamespace(tenant, each) === namespace)

const agentPeers = ({ superNodeRanges }: SyncContext) =>
  superNodeRanges.flatMap((cidr) => blockOf(cidr) ?? []).map((range) => ({ ipBlock: { cidr: cidrText(range) } }))

/**
 * The policies that every super namespace has before its first pod. One closes it both ways; the others open, for pods that no policy of the tenant speaks of in
 * that direction, what the tenant's settings say: policies only add up, so what the tenant closes must not be open here. Where metrics servers run, vn-agent is
 * open too, at its port alone: a new node changes the policies of these namespaces, and of no others. None for a tenant that is not kept apart.
 */
export const fencesOf = (ctx: SyncContext, namespace: string): readonly KubeObject[] => {
  if (!ctx.isolation.network.apart) return []
  const { superRanges, superPodRanges, superNodeRanges, apiServerDoor } = ctx
  const fence = (name: string, spec: Readonly<Record<string, unknown>>, annotations?: Readonly<Record<string, string>>) => ({
    apiVersion: apiVersionOf(resourceTypes.networkPolicies),
    kind: 'NetworkPolicy',
    metadata: {
      name,
      namespace,
      labels: { [tenantLabel]: ctx.tenant.uid, [managedByLabel]: managedByBerth },
      ...(annotations && { annotations }),
    },
    spec,
  })
  const said = (known: Partial<Known>) => ({ [superNetworksAnnotation]: JSON.stringify(known) })
  const open = (direction: Direction): KubeObject => {
    const peers = basePeers(direction, ctx)
    return fence(fenceNames[direction], {
      podSelector: { matchLabels: { [openLabels[direction]]: 'true' } },
      policyTypes: [policyTypeOf[direction]],
      [direction]: [{ [direction === 'ingress' ? 'from' : 'to']: peers }],
    })
  }
  return [
    fence(
      fenceNames.closed,
      { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
      said({ superRanges, superPodRanges, apiServerDoor }),
    ),
    ...directions.map(open),
    ...(hasAgents(ctx, namespace)
      ? [
          fence(
            fenceNames.agents,
            {
              podSelector: { matchLabels: { [openLabels.egress]: 'true' } },
              policyTypes: [policyTypeOf.egress],
              egress: [{ to: agentPeers(ctx), ports: [{ protocol: 'TCP', port: agentPort }] }],
            },
            said({ superNodeRanges }),
          ),
        ]
      : []),
  ]
}

/** What is known of super's networks by policies of Berth's own that are there; nothing when there are none. */
export const networksOfFences = (policies: readonly KubeObject[]): Known => {
  const saidBy = (fenceName: string): Partial<Known> => {
    const fence = policies.find((policy) => isFence(policy) && policy.metadata.name === fenceName)
    try {
      return JSON.parse(fence?.metadata.annotations?.[superNetworksAnnotation] ?? '{}') as Partial<Known>
    } catch {
      return {}
    }
  }
  const nothing: Known = { superRanges: [], superPodRanges: [], superNodeRanges: [], apiServerDoor: undefined }
  return { ...nothing, ...saidBy(fenceNames.closed), ...saidBy(fenceNames.agents) }
}
