import type { KubeObject } from '../../apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasReadyEndpoint } from './preflight.ts'

/** Answers of a tenant are taken into memory only so far, and waited for only so long. */
const page = { limit: 100, maxAnswerBytes: 8 * 1024 * 1024, timeoutMs: 5_000 } as const
const mostPages = 50

/** All objects of a kind, up to 5000, of which `keep` leaves what is needed. */
const listPaged = async (
  type: ResourceType,
  keep: (object: KubeObject) => KubeObject | undefined,
  { tenantKube, signal }: { readonly tenantKube: KubeClient; readonly signal: AbortSignal },
): Promise<readonly KubeObject[]> => {
  const kept: KubeObject[] = []
  let continueToken: string | undefined
  for (let pages = 0; pages < mostPages; pages += 1) {
    const { items, metadata } = await tenantKube.list(type, { ...page, ...(continueToken && { continueToken }), signal })
    kept.push(...items.flatMap((object) => keep({ ...object, kind: type.kind }) ?? []))
    continueToken = metadata.continue
    if (!continueToken) break
  }
  return kept
}

interface Hook {
  readonly name?: string
  readonly failurePolicy?: string
  readonly clientConfig?: { readonly service?: { readonly namespace?: string; readonly name?: string } }
}

/** Of an object only what the rule goes by: the rest may be as large as its tenant likes. */
const kept = {
  hooks: ({ kind, metadata, webhooks }: KubeObject): KubeObject => ({
    kind: kind ?? '',
    metadata: { name: metadata.name ?? '' },
    webhooks: ((webhooks ?? []) as readonly Hook[]).flatMap(({ name, failurePolicy, clientConfig }) =>
      clientConfig?.service ? [{ name, failurePolicy, clientConfig: { service: clientConfig.service } }] : [],
    ),
  }),
  conversion: ({ kind, metadata, spec }: KubeObject): KubeObject | undefined => {
    const service = spec?.conversion?.webhook?.clientConfig?.service
    return spec?.conversion?.strategy === 'Webhook' && service
      ? {
          kind: kind ?? '',
          metadata: { name: metadata.name ?? '' },
          spec: { conversion: { strategy: 'Webhook', webhook: { clientConfig: { service } } } },
        }
      : undefined
  },
  ready: (slice: KubeObject): KubeObject | undefined => {
    const service = slice.metadata.labels?.['kubernetes.io/service-name']
    return service !== undefined && hasReadyEndpoint(slice)
      ? {
          metadata: { namespace: slice.metadata.namespace ?? '', labels: { 'kubernetes.io/service-name': service } },
          endpoints: [{ conditions: { ready: true } }],
        }
      : undefined
  },
}

/** What calls whom in a tenant, and who is there to answer. One list after the other. */
export const readCalls = async (tenantKube: KubeClient, signal: AbortSignal) => {
  const asked = { tenantKube, signal }
  const validating = await listPaged(resourceTypes.validatingWebhookConfigurations, kept.hooks, asked)
  const mutating = await listPaged(resourceTypes.mutatingWebhookConfigurations, kept.hooks, asked)
  const definitions = await listPaged(resourceTypes.customResourceDefinitions, kept.conversion, asked)
  const endpointSlices = await listPaged(resourceTypes.endpointSlices, kept.ready, asked)
  return { webhookConfigurations: [...validating, ...mutating], definitions, endpointSlices }
}

/** Metrics of one API server as text: a few MiB. */
export const readMetrics = async (podKube: KubeClient, signal: AbortSignal): Promise<string> => {
  const { status, body } = await podKube.raw('/metrics', {
    signal,
    timeoutMs: 10_000,
    maxAnswerBytes: 24 * 1024 * 1024,
    isText: true,
  })
  return status === 200 ? body : ''
}
