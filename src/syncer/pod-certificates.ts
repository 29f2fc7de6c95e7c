import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { newKeyWithProof } from './certificate-request.ts'
import type { PodSecretMaker } from './pod-secrets.ts'
import { type CertificateSource, certificatePartKey, certificateSources } from './pods/secret-sources.ts'
import { informerOf, type SyncDeps } from './sides.ts'

/** A request that the tenant's signer has still to answer, with the key that nobody else has. */
export interface PendingCertificate {
  readonly request: string
  readonly keyPem: string
}

interface Issued {
  readonly keyPem: string
  readonly chain: string
  /** Milliseconds since the epoch at which the signer wants to be asked again. */
  readonly refreshAt: number
}

type Answer =
  | { readonly kind: 'issued'; readonly issued: Issued }
  | { readonly kind: 'waiting' }
  /** The signer will not: asked again as late as a kubelet would. */
  | { readonly kind: 'refused' }

const waitingAgainMs = 1_000
const refusedAgainMs = 5 * 60_000
/** Signers are not asked more often than this, whatever they say. */
const shortestRenewalMs = 60_000

const pendingKey = (pod: KubeObject, { key }: CertificateSource): string => `${pod.metadata.uid}/${key}`

/** Keys of requests that were never answered go with their pod. */
export const forgetCertificates = (podUid: string, { pendingCertificates }: SyncDeps['tenant']): void => {
  for (const key of pendingCertificates.keys()) if (key.startsWith(`${podUid}/`)) pendingCertificates.delete(key)
}

/** Asks the tenant's signer as the pod's kubelet would (pkg/kubelet/podcertificate): a key made here, proved by a request with it. */
const ask = async (pod: KubeObject, source: CertificateSource, { tenant }: Pick<SyncDeps, 'tenant'>): Promise<boolean> => {
  const { name = '', namespace = '', uid = '' } = pod.metadata
  const nodeName: string = pod.spec.nodeName
  const serviceAccountName: string = pod.spec.serviceAccountName || 'default'
  const node = informerOf(tenant.informers, 'nodes').get(nodeName)
  const account = await tenant.tenantClient.get(resourceTypes.serviceAccounts, { name: serviceAccountName, namespace })
  if (!node || !account) return false
  const { keyPem, request } = await newKeyWithProof(source.keyType)
  const created = await tenant.tenantClient.create<KubeObject>(resourceTypes.podCertificateRequests, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'PodCertificateRequest',
    metadata: { generateName: 'req-', namespace, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid }] },
    spec: {
      signerName: source.signerName,
      podName: name,
      podUID: uid,
      serviceAccountName,
      serviceAccountUID: account.metadata.uid,
      nodeName,
      nodeUID: node.metadata.uid,
      maxExpirationSeconds: source.maxExpirationSeconds,
      stubPKCS10Request: request.toString('base64'),
      unverifiedUserAnnotations: source.userAnnotations,
    },
  })
  tenant.pendingCertificates.set(pendingKey(pod, source), { request: created.metadata.name ?? '', keyPem })
  return true
}

const answerOf = async (pod: KubeObject, source: CertificateSource, { tenant }: Pick<SyncDeps, 'tenant'>): Promise<Answer> => {
  const key = pendingKey(pod, source)
  const pending = tenant.pendingCertificates.get(key)
  if (!pending) {
    await ask(pod, source, { tenant })
    return { kind: 'waiting' }
  }
  const request = await tenant.tenantClient.get(resourceTypes.podCertificateRequests, {
    name: pending.request,
    namespace: pod.metadata.namespace ?? '',
  })
  if (!request) {
    // Kube-controller-manager removes old ones.
    tenant.pendingCertificates.delete(key)
    return { kind: 'waiting' }
  }
  const conditions: readonly { type: string; status: string; reason?: string; message?: string }[] =
    request.status?.conditions ?? []
  const final = conditions.find(({ type, status }) => ['Issued', 'Denied', 'Failed'].includes(type) && status === 'True')
  if (final?.type === 'Issued') {
    const { certificateChain, beginRefreshAt } = request.status
    return { kind: 'issued', issued: { keyPem: pending.keyPem, chain: certificateChain, refreshAt: Date.parse(beginRefreshAt) } }
  }
  if (!final) return { kind: 'waiting' }
  tenant.recorder.record(pod, {
    type: 'Warning',
    reason: `PodCertificateRequest${final.type}`,
    message: `signer ${source.signerName} gives no certificate: ${final.reason ?? ''} ${final.message ?? ''}`.trim(),
  })
  return { kind: 'refused' }
}

/**
 * Certificates that a pod's volumes ask for (KEP-4317), issued by signers of the tenant. Super's kubelet would ask super's. They are asked for once the pod
 * has its node, which is part of the request; until then the pod waits for its volume.
 */
export const certificateMaker: PodSecretMaker = {
  kind: 'cert',
  isWanted: (pod) => certificateSources(pod).length > 0,
  make: async (pod, record, { tenant, now }) => {
    if (record?.renewAt !== undefined && record.renewAt > now())
      return { kind: 'unchanged', againAfterMs: record.renewAt - now() }
    if (!pod.spec.nodeName) return { kind: 'unchanged', againAfterMs: undefined }
    const sources = certificateSources(pod)
    const answers = await Promise.all(sources.map((source) => answerOf(pod, source, { tenant })))
    if (answers.some(({ kind }) => kind === 'refused')) return { kind: 'unchanged', againAfterMs: refusedAgainMs }
    const issued = answers.flatMap((answer) => (answer.kind === 'issued' ? [answer.issued] : []))
    if (issued.length < sources.length) return { kind: 'unchanged', againAfterMs: waitingAgainMs }
    forgetCertificates(pod.metadata.uid ?? '', tenant)
    const renewAt = Math.max(now() + shortestRenewalMs, Math.min(...issued.map(({ refreshAt }) => refreshAt)))
    const data = Object.fromEntries(
      sources.flatMap(({ key }, index) => {
        const { keyPem = '', chain = '' } = issued[index] ?? {}
        return [
          [certificatePartKey(key, 'bundle'), keyPem + chain],
          [certificatePartKey(key, 'key'), keyPem],
          [certificatePartKey(key, 'chain'), chain],
        ]
      }),
    )
    return { kind: 'content', data, renewAt, againAfterMs: renewAt - now() }
  },
}
