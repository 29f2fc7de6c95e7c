import { createHash } from 'node:crypto'
import type { KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { createTokenBuckets } from '../kube/token-bucket.ts'
import { hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { AgentRecord } from '../tenancy/agent-record.ts'
import type { TenantRef } from '../tenancy/names.ts'
import type { TenantRecords } from './tenant-records.ts'
import { signerOf } from './token.ts'

export type TokenDecision =
  | { readonly kind: 'allowed'; readonly tenant: Pick<TenantRef, 'uid' | 'name'> }
  | { readonly kind: 'refused'; readonly status: 401 | 403 | 429 | 503; readonly message: string }

/** Says what a bearer token may read here, as a kubelet does. */
export interface TokenAccess {
  /** `subresources` of the Node, as the kubelet names what a path takes; any one of them is enough. Never rejects. */
  decide(token: string, subresources: readonly string[]): Promise<TokenDecision>
}

export interface TokenAccessOptions {
  readonly records: Pick<TenantRecords, 'byKeyId' | 'hasSynced'>
  /** Makes a client of a tenant's API server that shows the token. */
  readonly connect: (connection: KubeConnection) => Pick<KubeClient, 'create' | 'close'>
  /** Name of this agent's node, in super and in every tenant. */
  readonly nodeName: string
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const reviews: ResourceType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'selfsubjectaccessreviews',
  kind: 'SelfSubjectAccessReview',
  namespaced: false,
}
/** A right that is taken away, or a token that is revoked, still counts this long. A kubelet keeps its answers for minutes. */
const rememberMs = 10_000
const remembered = 4_000
const reviewMs = 5_000
/** Reviews a tenant may cause: its own API server answers them, but each holds a connection here. */
const perTenant = { burst: 30, refillMs: 200, keys: 2_000 }

const unauthorized: TokenDecision = { kind: 'refused', status: 401, message: 'Unauthorized' }

/**
 * Knows a tenant by the key that signed the token, then asks that tenant's API server, with the very token, whether its bearer may read this Node. One
 * question answers both what the token is worth and what it allows, and the agent needs no account in any tenant.
 */
export const createTokenAccess = ({ records, connect, nodeName, log, now = Date.now }: TokenAccessOptions): TokenAccess => {
  const decisions = new Map<string, { readonly until: number; readonly decision: Promise<TokenDecision> }>()
  const budget = createTokenBuckets(perTenant)

  const allows = async (client: Pick<KubeClient, 'create'>, subresource: string): Promise<boolean> => {
    const resourceAttributes = { verb: 'get', version: 'v1', resource: 'nodes', subresource, name: nodeName }
    const review: KubeObject = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: reviews.kind,
      metadata: {},
      spec: { resourceAttributes },
    }
    const { status } = await client.create(reviews, review, { timeoutMs: reviewMs, maxAnswerBytes: 64 * 1024 })
    return status?.allowed === true
  }

  const review = async (
    token: string,
    { tenant, server, ca }: AgentRecord,
    subresources: readonly string[],
  ): Promise<TokenDecision> => {
    if (!budget.take(tenant.uid, now())) return { kind: 'refused', status: 429, message: 'too many requests; try again' }
    const client = connect({ server, ca, token: () => token })
    try {
      for (const subresource of subresources) {
        if (await allows(client, subresource)) return { kind: 'allowed', tenant: { uid: tenant.uid, name: tenant.name } }
      }
      const message = `Forbidden: get of nodes/${subresources.join(' or nodes/')} of node ${nodeName} is not allowed`
      return { kind: 'refused', status: 403, message }
    } catch (error) {
      if (hasCode(error, 'KUBE_UNAUTHORIZED')) return unauthorized
      // Without the right to ask what it may do, a token may do nothing here.
      if (hasCode(error, 'KUBE_FORBIDDEN')) return { kind: 'refused', status: 403, message: 'Forbidden' }
      log.warn({ err: error, tenant: tenant.uid }, 'the API server of a tenant does not say what a token may do')
      return { kind: 'refused', status: 503, message: 'the API server of the tenant does not answer; try again' }
    } finally {
      await client.close()
    }
  }

  return {
    decide: (token, subresources) => {
      if (!records.hasSynced) return Promise.resolve({ kind: 'refused', status: 503, message: 'not ready yet; try again' })
      // Before anything is remembered or asked: a token that no tenant's key has signed costs nothing but this.
      const signer = signerOf(token, records.byKeyId, now())
      if (!signer) return Promise.resolve(unauthorized)
      const key = createHash('sha256')
        .update(`${subresources.join(',')}\0${token}`)
        .digest('base64')
      const known = decisions.get(key)
      if (known && now() < known.until) return known.decision
      const decision = review(token, signer.record, subresources)
      decisions.delete(key)
      decisions.set(key, { until: now() + rememberMs, decision })
      const [oldest] = decisions.keys()
      if (decisions.size > remembered && oldest !== undefined) decisions.delete(oldest)
      // What is no answer of the tenant is not remembered.
      void decision.then((made) => {
        const passing = made.kind === 'refused' && made.status !== 403
        if (passing && decisions.get(key)?.decision === decision) decisions.delete(key)
      })
      return decision
    },
  }
}
