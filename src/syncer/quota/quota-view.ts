import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasCode } from '../../lib/errors.ts'
import { mirroredLabel } from '../../tenancy/marks.ts'
import type { QuotaUsage } from '../../tenancy/quota-usage.ts'

/** Where a tenant reads its limits and what is left of them. Everybody in it may read this one, and only the syncer writes it. */
export const quotaViewRef = { name: 'tenant-quota', namespace: 'kube-public' } as const

const lines = (quantities: Readonly<Record<string, string>>): string =>
  Object.entries(quantities)
    .map(([name, quantity]) => `${name}: ${quantity}\n`)
    .toSorted()
    .join('')

/** Both parts are YAML. */
const viewOf = ({ hard, used }: QuotaUsage): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    ...quotaViewRef,
    labels: { [mirroredLabel]: 'true' },
    annotations: { 'kubernetes.io/description': 'What this cluster may have over all its namespaces, and what it has.' },
  },
  data: { hard: lines(hard), used: lines(used) },
})

export interface QuotaView {
  /** Writes what is new, or what somebody else changed; takes it away for a tenant without limits. */
  publish(usage: QuotaUsage | undefined): Promise<void>
}

/** `cached`: metadata of the view as the tenant has it now. */
export const createQuotaView = ({
  tenantClient,
  cached,
}: {
  readonly tenantClient: KubeClient
  readonly cached: () => KubeObject | undefined
}): QuotaView => {
  const type = resourceTypes.configMaps
  let written: { readonly text: string; readonly resourceVersion: string | undefined } | undefined
  return {
    publish: async (usage) => {
      const live = cached()
      if (!usage) {
        // One without the label is the tenant's own.
        if (live?.metadata.labels?.[mirroredLabel]) await tenantClient.delete(type, quotaViewRef)
        return
      }
      const view = viewOf(usage)
      const text = JSON.stringify(view)
      if (written?.text === text && live?.metadata.resourceVersion === written.resourceVersion) return
      const answer = await tenantClient.patch(type, quotaViewRef, view, { type: 'merge' }).catch((error: unknown) => {
        if (!hasCode(error, 'KUBE_NOT_FOUND')) throw error
        return tenantClient.create(type, view)
      })
      written = { text, resourceVersion: answer.metadata.resourceVersion }
    },
  }
}
