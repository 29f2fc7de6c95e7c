import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { basePeers, type Direction, narrowedBlock, type Peer } from '../network/peers.ts'
import { superNamespaceSelector } from '../pods/affinity.ts'
import { type FieldTable, passingFields, refusedField } from '../pods/fields.ts'
import type { V1LabelSelector } from '../pods/json-types.ts'
import { defineResource, type SyncContext, type Translation } from '../resource.ts'
import { selectorRefusal } from './selectors.ts'

interface Rule {
  from?: Peer[]
  to?: Peer[]
  ports?: object[]
}

interface NetworkPolicy extends KubeObject {
  spec?: { podSelector?: V1LabelSelector; ingress?: Rule[]; egress?: Rule[]; policyTypes?: string[] }
}

/** Every field of a NetworkPolicySpec in the Kubernetes versions served. */
export const networkPolicyFields: FieldTable = {
  egress: 'translate',
  ingress: 'translate',
  podSelector: 'pass',
  policyTypes: 'pass',
}

/** Every field of a rule, ingress and egress. */
export const networkPolicyRuleFields: FieldTable = { from: 'translate', ports: 'pass', to: 'translate' }

/** Every field of a port: number, name or range. */
export const networkPolicyPortFields: FieldTable = { endPort: 'pass', port: 'pass', protocol: 'pass' }

/** Every field of a peer. */
export const networkPolicyPeerFields: FieldTable = { ipBlock: 'translate', namespaceSelector: 'translate', podSelector: 'pass' }

const superPeer = (peer: Peer, direction: Direction, ctx: SyncContext): readonly Peer[] => {
  if (peer.ipBlock) return ctx.isolation.network.apart ? narrowedBlock(peer.ipBlock, direction, ctx) : [{ ipBlock: peer.ipBlock }]
  return [
    {
      ...passingFields(peer, networkPolicyPeerFields),
      ...(peer.namespaceSelector && { namespaceSelector: superNamespaceSelector(peer.namespaceSelector, ctx) }),
    },
  ]
}

/**
 * The rule in super, or none. Policies add up, so one of a tenant that is kept apart may allow at most what Berth's own allow: everybody is everybody of these,
 * and a rule whose peers are all gone goes too, for without any it would mean everybody.
 */
const superRule = (rule: Rule, direction: Direction, ctx: SyncContext): readonly Record<string, unknown>[] => {
  const field = direction === 'ingress' ? 'from' : 'to'
  const named = rule[field] ?? []
  const ports = passingFields(rule, networkPolicyRuleFields)
  if (named.length === 0) return [{ ...ports, ...(ctx.isolation.network.apart && { [field]: basePeers(direction, ctx) }) }]
  const peers = named.flatMap((peer) => superPeer(peer, direction, ctx))
  return peers.length > 0 ? [{ ...ports, [field]: peers }] : []
}

/** Most blocks and holes in blocks that a policy may come to in super: about half of what fits into one object. */
const mostBlocks = 20_000

/** Blocks and holes, before they are made: each block may get a hole for each range that is kept out of it, and everybody is two blocks. */
const blocksIn = ({ ingress = [], egress = [] }: NonNullable<NetworkPolicy['spec']>, ctx: SyncContext): number => {
  const closed = ctx.superRanges.length + 10
  const given = ctx.isolation.network.egressTo.length + ctx.isolation.network.ingressFrom.length
  const ofPeers = (peers: readonly Peer[] = []): number =>
    peers.length === 0
      ? 2 * closed + given
      : peers.reduce((sum, { ipBlock }) => sum + (ipBlock ? 1 + (ipBlock.except?.length ?? 0) * (1 + given) + closed : 1), 0)
  return [...ingress.map(({ from }) => from), ...egress.map(({ to }) => to)].reduce((sum, peers) => sum + ofPeers(peers), 0)
}

const fieldRefusal = (where: string, object: object, table: FieldTable): Translation | undefined => {
  const refused = refusedField(object, table)
  return refused && { kind: 'refused', reason: 'FieldNotSupported', message: `${where}.${refused.field}: ${refused.why}` }
}

const ruleRefusal = (where: string, rule: Rule): Translation | undefined => {
  const refused = fieldRefusal(where, rule, networkPolicyRuleFields)
  if (refused) return refused
  for (const port of rule.ports ?? []) {
    const unknown = fieldRefusal(`${where}.ports`, port, networkPolicyPortFields)
    if (unknown) return unknown
  }
  for (const peer of [...(rule.from ?? []), ...(rule.to ?? [])]) {
    const unknown =
      fieldRefusal(`${where} peer`, peer, networkPolicyPeerFields) ?? selectorRefusal(`${where} podSelector`, peer.podSelector)
    if (unknown) return unknown
  }
  return undefined
}

const refusal = ({ spec = {} }: NetworkPolicy): Translation | undefined => {
  const refused = fieldRefusal('spec', spec, networkPolicyFields) ?? selectorRefusal('spec.podSelector', spec.podSelector)
  if (refused) return refused
  for (const direction of ['ingress', 'egress'] as const) {
    for (const [index, rule] of (spec[direction] ?? []).entries()) {
      const unknown = ruleRefusal(`spec.${direction}[${index}]`, rule)
      if (unknown) return unknown
    }
  }
  return undefined
}

const tooLarge = (spec: NonNullable<NetworkPolicy['spec']>, ctx: SyncContext): Translation | undefined =>
  ctx.isolation.network.apart && blocksIn(spec, ctx) > mostBlocks
    ? {
        kind: 'refused',
        reason: 'PolicyTooLarge',
        message:
          'its addresses without those of the cluster below are more than one policy holds; split it, or name larger blocks',
      }
    : undefined

/**
 * NetworkPolicies: enforced in super, on the pods as they run. Namespaces are selected by the tenant's labels, which super namespaces carry under hashed
 * keys, and only among this tenant's. A tenant that is kept apart narrows what Berth's own policies allow and widens it by nothing.
 */
export const networkPolicies = defineResource<NetworkPolicy>({
  type: resourceTypes.networkPolicies,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  exact: true,
  toSuper: (policy, ctx) => {
    const { spec = {} } = policy
    return (
      refusal(policy) ??
      tooLarge(spec, ctx) ?? {
        kind: 'object',
        body: {
          // Labels and annotations of policies steer the operators and network plugins of super.
          labels: {},
          annotations: {},
          fields: {
            spec: {
              ...passingFields(spec, networkPolicyFields),
              ...(spec.ingress && { ingress: spec.ingress.flatMap((rule) => superRule(rule, 'ingress', ctx)) }),
              ...(spec.egress && { egress: spec.egress.flatMap((rule) => superRule(rule, 'egress', ctx)) }),
            },
          },
        },
      }
    )
  },
})
