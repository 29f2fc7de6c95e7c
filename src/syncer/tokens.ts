import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import {
  renewAtAnnotation,
  tenantLabel,
  tenantNameAnnotation,
  tenantNamespaceAnnotation,
  tenantObjectUidAnnotation,
} from '../tenancy/marks.ts'
import { superNamespace, tokenSecretName } from '../tenancy/names.ts'
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
 * Sees to it that the pod's token Secret is in super and not due for renewal. Returns the milliseconds until it is, or undefined for a pod without tokens.
 * Tokens come from the tenant's own TokenRequest with the asked audience and life, bound to the pod: they end with it.
 */
export const ensureTokens = async (pod: KubeObject, { tenant, now }: Deps): Promise<number | undefined> => {
  const sources = tokenSources(pod)
  if (sources.length === 0) return undefined
  const { name = '', uid = '', namespace = '' } = pod.metadata
  const superNs = superNamespace(tenant.ctx.tenant, namespace)
  const secretName = tokenSecretName(name, uid)
  const records = await tenant.config.of(superNs)
  const record = records.get(`secrets/${secretName}`)
  if (record?.renewAt !== undefined && record.renewAt > now()) return record.renewAt - now()

  const tokens = await Promise.all(sources.map((source) => requestToken(pod, source, { tenant, now })))
  const soonest = Math.min(...tokens.map(({ expires }) => expires))
  const renewAt = now() + Math.max(shortestRenewalMs, (soonest - now()) * renewalShare)
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: secretName,
      namespace: superNs,
      labels: { [tenantLabel]: tenant.ctx.tenant.uid },
      annotations: {
        [tenantNamespaceAnnotation]: namespace,
        [tenantNameAnnotation]: name,
        [tenantObjectUidAnnotation]: uid,
        [renewAtAnnotation]: new Date(renewAt).toISOString(),
      },
    },
    type: 'Opaque',
    data: Object.fromEntries(sources.map(({ key }, index) => [key, Buffer.from(tokens[index]?.token ?? '').toString('base64')])),
  }
  const written = record
    ? await tenant.superClient.replace(resourceTypes.secrets, secret)
    : await tenant.superClient.create(resourceTypes.secrets, secret).catch(async (error: unknown) => {
        // Written by a process that ended before it could note it down.
        if (hasCode(error, 'KUBE_ALREADY_EXISTS')) return tenant.superClient.replace(resourceTypes.secrets, secret)
        throw error
      })
  tenant.config.wrote(resourceTypes.secrets, written)
  return renewAt - now()
}

/** Removes the token Secret of a pod that is gone from both sides. */
export const dropTokens = async (
  pod: { readonly name: string; readonly uid: string; readonly namespace: string },
  { tenant }: Pick<SyncDeps, 'tenant'>,
): Promise<void> => {
  const superNs = superNamespace(tenant.ctx.tenant, pod.namespace)
  const name = tokenSecretName(pod.name, pod.uid)
  const records = await tenant.config.of(superNs)
  const record = records.get(`secrets/${name}`)
  if (!record) return
  await tenant.superClient
    .delete(resourceTypes.secrets, { name, namespace: superNs }, { uid: record.uid })
    .catch((error: unknown) => {
      // Its namespace may be on the way out already, with the right to delete in it.
      if (!hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_CONFLICT')) throw error
    })
  tenant.config.deleted(resourceTypes.secrets, { name, namespace: superNs })
}
