import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { superNamespaceSelector } from '../pods/affinity.ts'
import { type FieldTable, passingFields, refusedField } from '../pods/fields.ts'
import type { V1LabelSelector } from '../pods/json-types.ts'
import { defineResource, type SyncContext, type Translation } from '../resource.ts'
import { selectorRefusal } from './selectors.ts'

interface Peer {
  ipBlock?: { cidr: string; except?: string[] }
  namespaceSelector?: V1LabelSelector
  podSelector?: V1LabelSelector
}

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

/**
 * Every field of a peer. An `ipBlock` passes: a policy only allows, and what one allows at most is what a namespace without any policy has. The rules that
 * keep tenants apart have therefore to hold beside the policies of the tenants, not among them.
 */
export const networkPolicyPeerFields: FieldTable = { ipBlock: 'pass', namespaceSelector: 'translate', podSelector: 'pass' }

const superPeer = (peer: Peer, ctx: SyncContext): Record<string, unknown> => ({
  ...passingFields(peer, networkPolicyPeerFields),
  ...(peer.namespaceSelector && { namespaceSelector: superNamespaceSelector(peer.namespaceSelector, ctx) }),
})

const superRule = (rule: Rule, ctx: SyncContext): Record<string, unknown> => ({
  ...passingFields(rule, networkPolicyRuleFields),
  ...(rule.from && { from: rule.from.map((peer) => superPeer(peer, ctx)) }),
  ...(rule.to && { to: rule.to.map((peer) => superPeer(peer, ctx)) }),
})

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

/**
 * NetworkPolicies: enforced in super, on the pods as they run. Namespaces are selected by the tenant's labels, which super namespaces carry under hashed
 * keys, and only among this tenant's. A rule without peers means everybody, as in any cluster. The tenant's API server is no pod of the tenant: like that
 * of a hosted cluster it comes from an address of its own, which only such a rule or an `ipBlock` lets in to webhooks and aggregated APIs.
 */
export const networkPolicies = defineResource<NetworkPolicy>({
  type: resourceTypes.networkPolicies,
  superWatch: 'labelled',
  goneInSuper: 'recreate',
  exact: true,
  toSuper: (policy, ctx) => {
    const { spec = {} } = policy
    return (
      refusal(policy) ?? {
        kind: 'object',
        body: {
          // Labels and annotations of policies steer the operators and network plugins of super.
          labels: {},
          annotations: {},
          fields: {
            spec: {
              ...passingFields(spec, networkPolicyFields),
              ...(spec.ingress && { ingress: spec.ingress.map((rule) => superRule(rule, ctx)) }),
              ...(spec.egress && { egress: spec.egress.map((rule) => superRule(rule, ctx)) }),
            },
          },
        },
      }
    )
  },
})
