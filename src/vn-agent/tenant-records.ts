import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { createInformer } from '../kube/informer.ts'
import type { Log } from '../lib/log.ts'
import { type AgentRecord, agentRecordLabel, agentRecordOf } from '../tenancy/agent-record.ts'
import { tenantIdentityNamespace } from '../tenancy/names.ts'
import { type TokenKey, tokenKeysOf } from './token.ts'

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
  const ids = new Map<string, readonly string[]>()
  const keysIn = (object: KubeObject): readonly TenantKey[] => {
    const record = agentRecordOf(object)
    try {
      if (record) return tokenKeysOf(record.tokenKeys).map((key) => ({ ...key, record }))
    } catch (error) {
      log.error({ err: error, record: object.metadata.name }, 'the keys of a tenant cannot be used')
    }
    return []
  }
  const informer = createInformer({
    client,
    type: resourceTypes.configMaps,
    log,
    namespace: tenantIdentityNamespace,
    labelSelector: agentRecordLabel,
    onEvent: (kind, object) => {
      const name = object.metadata.name ?? ''
      for (const old of ids.get(name) ?? [])
        if (keys.get(old)?.record.tenant.uid === object.metadata.labels?.[agentRecordLabel]) keys.delete(old)
      ids.delete(name)
      // The first one keeps its key: two tenants with one key would be one tenant to whoever holds a token.
      const read = kind === 'deleted' ? [] : keysIn(object).filter(({ id }) => !keys.has(id))
      for (const key of read) keys.set(key.id, key)
      if (read.length > 0)
        ids.set(
          name,
          read.map(({ id }) => id),
        )
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
