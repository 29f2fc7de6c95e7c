import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { AppError } from '../lib/errors.ts'
import type { PodSecretMaker } from './pod-secrets.ts'
import type { TokenSource } from './resource.ts'
import { tokenSources } from './resources/pods.ts'
import type { SyncDeps } from './sides.ts'

/** As the kubelet does: a token is renewed when 80 % of its life is over (KEP-1205). */
const renewalShare = 0.8
/** No token is asked for more often than this, whatever its life. */
const shortestRenewalMs = 10_000

type Deps = Pick<SyncDeps, 'tenant' | 'now'>

const requestToken = async (
  pod: KubeObject,
  source: TokenSource,
  { tenant }: Deps,
): Promise<{ token: string; expires: number }> => {
  const { name, namespace, uid } = pod.metadata
  const answer = await tenant.tenantClient.create<KubeObject>(
    resourceTypes.serviceAccounts,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: pod.spec.serviceAccountName ?? 'default', namespace: namespace ?? '' },
      spec: {
        ...(source.audience !== undefined && { audiences: [source.audience] }),
        expirationSeconds: source.expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    },
    { subresource: 'token' },
  )
  const expires = Date.parse(answer.status?.expirationTimestamp ?? '')
  if (typeof answer.status?.token !== 'string' || Number.isNaN(expires)) {
    throw new AppError('KUBE_SERVER_ERROR', 'the tenant API server answered a TokenRequest without a token', {
      pod: name,
      namespace,
    })
  }
  return { token: answer.status.token, expires }
}

/**
 * The pod's service-account tokens: from the tenant's own TokenRequest with the asked audience and life, bound to the pod, with which they end. Asked for
 * again when due, when somebody else wrote to the Secret, and once the pod has its node: a kubelet asks only then, and the token names the node
 * (KEP-4193). The first are there so that a pod need not wait for them on its node.
 */
export const tokenMaker: PodSecretMaker = {
  kind: 'token',
  isWanted: (pod) => tokenSources(pod).length > 0,
  make: async (pod, record, { tenant, now }) => {
    const node: string = pod.spec.nodeName ?? ''
    if (record?.renewAt !== undefined && record.renewAt > now() && record.hash === node)
      return { kind: 'unchanged', againAfterMs: record.renewAt - now() }
    const sources = tokenSources(pod)
    const tokens = await Promise.all(sources.map((source) => requestToken(pod, source, { tenant, now })))
    const soonest = Math.min(...tokens.map(({ expires }) => expires))
    const renewAt = now() + Math.max(shortestRenewalMs, (soonest - now()) * renewalShare)
    return {
      kind: 'content',
      data: Object.fromEntries(sources.map(({ key }, index) => [key, tokens[index]?.token ?? ''])),
      renewAt,
      hash: node,
      againAfterMs: renewAt - now(),
    }
  },
}
