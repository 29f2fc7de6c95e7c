import { describe, expect, test } from 'vitest'
import { startApiServer } from '../../testing/api-server.ts'
import { type ServedMinor, servedMinors } from '../../testing/test-binaries.ts'
import type { FieldTable } from '../pods/fields.ts'
import { ingressBackendFields, ingressFields } from './ingresses.ts'
import {
  networkPolicyFields,
  networkPolicyPeerFields,
  networkPolicyPortFields,
  networkPolicyRuleFields,
} from './network-policies.ts'
import { podDisruptionBudgetFields } from './pod-disruption-budgets.ts'

type Schemas = Readonly<Record<string, { readonly properties?: Readonly<Record<string, object>> }>>

/** A table, and the types of the API whose fields it is to have: all of theirs and no other. */
const tables: readonly (readonly [group: string, types: readonly string[], table: FieldTable])[] = [
  ['networking', ['IngressSpec'], ingressFields],
  ['networking', ['IngressBackend'], ingressBackendFields],
  ['networking', ['NetworkPolicySpec'], networkPolicyFields],
  ['networking', ['NetworkPolicyIngressRule', 'NetworkPolicyEgressRule'], networkPolicyRuleFields],
  ['networking', ['NetworkPolicyPort'], networkPolicyPortFields],
  ['networking', ['NetworkPolicyPeer'], networkPolicyPeerFields],
  ['policy', ['PodDisruptionBudgetSpec'], podDisruptionBudgetFields],
]

const schemasOf = async (minor: ServedMinor): Promise<Schemas> => {
  const api = await startApiServer({ minor, deadlineMs: 180_000 })
  try {
    const read = async (path: string): Promise<Schemas> => {
      const { body } = await api.client.raw(`/openapi/v3/apis/${path}/v1`, { timeoutMs: 30_000 })
      return (JSON.parse(body) as { components: { schemas: Schemas } }).components.schemas
    }
    return { ...(await read('networking.k8s.io')), ...(await read('policy')) }
  } finally {
    await api.stop()
  }
}

describe('every field of the policies and Ingresses has a class', () => {
  test.for(servedMinors)('in Kubernetes %s', { timeout: 240_000 }, async (minor) => {
    const schemas = await schemasOf(minor)
    for (const [group, types, table] of tables) {
      const fields = types.flatMap((type) => Object.keys(schemas[`io.k8s.api.${group}.v1.${type}`]?.properties ?? {}))
      expect(fields.length, types.join()).toBeGreaterThan(1)
      expect([...new Set(fields)].sort(), types.join()).toEqual(Object.keys(table).sort())
    }
  })
})
