import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import { tenantLabel, tenantNameAnnotation } from '../tenancy/marks.ts'
import { superNamespace, type TenantRef } from '../tenancy/names.ts'

/** Which namespaces of super are whose. */
export interface TenantNamespaces {
  readonly isTenants: (superNamespace: string) => boolean
  /** The tenant's own name of a super namespace; undefined for one that is not this tenant's. */
  readonly nameFor: (tenant: Pick<TenantRef, 'uid' | 'name'>, superNamespace: string) => string | undefined
  /** Super namespaces of a tenant. */
  readonly ofTenant: (uid: string) => readonly string[]
  start(): void
  stop(): Promise<void>
  readonly hasSynced: boolean
}

// Names and owners are all that is kept: each agent has those of the whole cluster.
const keep = ({ metadata }: KubeObject): KubeObject => ({
  metadata: {
    name: metadata.name ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    uid: metadata.uid ?? '',
    labels: { [tenantLabel]: metadata.labels?.[tenantLabel] ?? '' },
    annotations: { [tenantNameAnnotation]: metadata.annotations?.[tenantNameAnnotation] ?? '' },
  },
})

/** Follows the namespaces that back tenants' namespaces, by their metadata. */
export const createTenantNamespaces = ({
  client,
  log,
}: {
  readonly client: Pick<KubeClient, 'server' | 'list' | 'watch'>
  readonly log: Log
}): TenantNamespaces => {
  const byTenant = new Map<string, Set<string>>()
  const informer = createInformer({
    client,
    type: resourceTypes.namespaces,
    log,
    labelSelector: tenantLabel,
    metadataOnly: true,
    keep,
    onEvent: (kind, { metadata }, old) => {
      const name = metadata.name ?? ''
      for (const uid of [old?.metadata.labels?.[tenantLabel], metadata.labels?.[tenantLabel]]) {
        if (uid === undefined || !byTenant.get(uid)?.delete(name)) continue
        if (byTenant.get(uid)?.size === 0) byTenant.delete(uid)
      }
      const uid = metadata.labels?.[tenantLabel]
      if (kind !== 'deleted' && uid !== undefined) byTenant.set(uid, (byTenant.get(uid) ?? new Set()).add(name))
    },
  })
  return {
    isTenants: (name) => informer.get(name) !== undefined,
    nameFor: (tenant, name) => {
      const { labels, annotations } = informer.get(name)?.metadata ?? {}
      const own = annotations?.[tenantNameAnnotation]
      // The name itself says the same: a label set by hand makes no namespace a tenant's.
      if (labels?.[tenantLabel] !== tenant.uid || !own || superNamespace(tenant, own) !== name) return undefined
      return own
    },
    ofTenant: (uid) => [...(byTenant.get(uid) ?? [])],
    start: () => informer.start(),
    stop: () => informer.stop(),
    get hasSynced() {
      return informer.hasSynced
    },
  }
}
