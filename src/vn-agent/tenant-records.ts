import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import { type AgentRecord, agentRecordLabel, agentRecordOf } from '../tenancy/agent-record.ts'
import { tenantIdentityNamespace } from '../tenancy/names.ts'
import { type TokenKey, tokenKeyOf } from './token.ts'

export interface TenantKey extends TokenKey {
  readonly record: AgentRecord
}

/** What the manager tells of each tenant. */
export interface TenantRecords {
  /** The tenant whose tokens carry this key's id. */
  readonly byKeyId: (id: string) => TenantKey | undefined
  start(): void
  stop(): Promise<void>
  readonly hasSynced: boolean
}

/** Follows the records of all tenants. One that cannot be read is logged, and its tenant's tokens are refused. */
export const createTenantRecords = ({
  client,
  log,
}: {
  readonly client: Pick<KubeClient, 'server' | 'list' | 'watch'>
  readonly log: Log
}): TenantRecords => {
  const keys = new Map<string, TenantKey>()
  const ids = new Map<string, string>()
  const read = (object: KubeObject): TenantKey | undefined => {
    const record = agentRecordOf(object)
    try {
      if (record) return { ...tokenKeyOf(record.tokenKey), record }
    } catch (error) {
      log.error({ err: error, record: object.metadata.name }, 'the key of a tenant cannot be used')
    }
    return undefined
  }
  const informer = createInformer({
    client,
    type: resourceTypes.configMaps,
    log,
    namespace: tenantIdentityNamespace,
    labelSelector: agentRecordLabel,
    onEvent: (kind, object) => {
      const name = object.metadata.name ?? ''
      const old = ids.get(name)
      if (old !== undefined && keys.get(old)?.record.tenant.uid === object.metadata.labels?.[agentRecordLabel]) keys.delete(old)
      ids.delete(name)
      const key = kind === 'deleted' ? undefined : read(object)
      // The first one keeps its key: two tenants with one key would be one tenant to whoever holds a token.
      if (!key || keys.has(key.id)) return
      keys.set(key.id, key)
      ids.set(name, key.id)
    },
  })
  return {
    byKeyId: (id) => keys.get(id),
    start: () => informer.start(),
    stop: () => informer.stop(),
    get hasSynced() {
      return informer.hasSynced
    },
  }
}
