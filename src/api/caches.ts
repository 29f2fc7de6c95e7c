import type { ApiKey } from '../access/key-object.ts'
import { keyOf, keySecretName } from '../access/key-object.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer } from '../kube/informer.ts'
import type { ChangeKind } from '../kube/informer-store.ts'
import type { Log } from '../lib/log.ts'
import { apiKeyLabel, organizationLabel } from '../tenancy/marks.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { isOrganization } from './organization.ts'

export type TenantListener = (kind: ChangeKind, plane: TenantControlPlane, old: TenantControlPlane | undefined) => void

/** Copies of what management holds, kept up by watches. Nothing is decided on them that a late copy could make wrong. */
export interface ApiCaches {
  start(): void
  stop(): Promise<void>
  /** What is not listed yet, for probes; undefined when all is. */
  complaint(): string | undefined
  whenSynced(options: { deadlineMs: number; signal?: AbortSignal }): Promise<void>
  organization(name: string): KubeObject | undefined
  organizations(): readonly KubeObject[]
  tenants(organization: string): readonly TenantControlPlane[]
  key(id: string): ApiKey | undefined
  keys(): readonly ApiKey[]
  /** Version up to which management has told everything of tenants. */
  tenantsPosition(): string | undefined
  /** Brings in own writes, so that they are seen at once. */
  observe: {
    readonly organization: (namespace: KubeObject) => void
    readonly tenant: (plane: TenantControlPlane) => void
    readonly key: (secret: KubeObject) => void
  }
  /** Told of each change of a tenant of an organisation; gives how to end that. */
  onTenant(listener: TenantListener): () => void
}

export const createCaches = ({ kube, log }: { readonly kube: KubeClient; readonly log: Log }): ApiCaches => {
  const listeners = new Set<TenantListener>()
  const namespaces = createInformer<KubeObject>({
    client: kube,
    type: resourceTypes.namespaces,
    log,
    labelSelector: organizationLabel,
  })
  const planes = createInformer<TenantControlPlane>({
    client: kube,
    type: resourceTypes.tenantControlPlanes,
    log,
    indexNamespaces: true,
    onEvent: (kind, plane, old) => {
      for (const listener of listeners) listener(kind, plane, old)
    },
  })
  const secrets = createInformer<KubeObject>({
    client: kube,
    type: resourceTypes.secrets,
    log,
    namespace: systemNamespace,
    labelSelector: apiKeyLabel,
  })
  const all = { organisations: namespaces, tenants: planes, 'API keys': secrets }
  const organization = (name: string) => {
    const found = namespaces.get(name)
    return found && isOrganization(found) ? found : undefined
  }
  return {
    start: () => {
      for (const each of Object.values(all)) each.start()
    },
    stop: async () => {
      await Promise.all(Object.values(all).map((each) => each.stop()))
    },
    complaint: () => {
      const missing = Object.entries(all).flatMap(([name, { hasSynced }]) => (hasSynced ? [] : [name]))
      return missing.length === 0 ? undefined : `not listed yet: ${missing.join(', ')}`
    },
    whenSynced: async (options) => {
      await Promise.all(Object.values(all).map((each) => each.whenSynced(options)))
    },
    organization,
    organizations: () => namespaces.list().filter(isOrganization),
    tenants: (name) => planes.byNamespace(name),
    key: (id) => {
      const secret = secrets.get(`${systemNamespace}/${keySecretName(id)}`)
      return secret && keyOf(secret)
    },
    keys: () => secrets.list().flatMap((secret) => keyOf(secret) ?? []),
    tenantsPosition: () => planes.position,
    observe: {
      organization: (namespace) => namespaces.observe(namespace),
      tenant: (plane) => planes.observe(plane),
      key: (secret) => secrets.observe(secret),
    },
    onTenant: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
