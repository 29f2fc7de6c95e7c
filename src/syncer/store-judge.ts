import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError, explainError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { verdictOf } from './brake.ts'
import { storeKey } from './keys.ts'
import type { OpenSyncRecord } from './lease.ts'
import type { SuperSide, TenantSide } from './sides.ts'
import { ownerOf } from './super-object.ts'
import type { TenantSource } from './tenant-source.ts'

/** What super has of a tenant, of each kind that is listed in the tenant too: one that is not says nothing of what the tenant lost. */
export const objectsInSuper = function* (
  { ctx, resources, informers }: Pick<TenantSide, 'ctx' | 'resources' | 'informers'>,
  superSide: SuperSide,
): Generator<[string, KubeObject]> {
  for (const [kind, resource] of resources) {
    if (resource.superWatch === 'none' || !informers.get(kind)?.hasSynced) continue
    for (const object of superSide.informers.get(kind)?.list() ?? []) {
      if (ownerOf(object)?.tenantUid === ctx.tenant.uid) yield [kind, object]
    }
  }
}

export interface StoreJudgeOptions {
  readonly tenant: TenantSide
  readonly superSide: SuperSide
  readonly management: KubeClient
  readonly record: OpenSyncRecord
  /** As known when the tenant was served first. */
  readonly restored: TenantSource['restored']
  /** The operator's last word. */
  readonly word: () => string | undefined
  readonly onVerdict: (frozen: boolean) => void
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Compares what is in super with what the tenant still has, and freezes when it looks like a loss of data. Tries until it could, for the tenant or management may
 * be away just now.
 */
export const createStoreJudge = (options: StoreJudgeOptions): (() => Promise<void>) => {
  const { tenant, superSide, management, record, word, onVerdict, log, signal } = options
  const { uid } = tenant.ctx.tenant

  const judge = async (): Promise<void> => {
    const system = await tenant.tenantClient.get(resourceTypes.namespaces, { name: 'kube-system' })
    const presentStore = system?.metadata.uid
    if (!presentStore) throw new AppError('TENANT_UNREACHABLE', 'the tenant has no kube-system namespace yet', { tenant: uid })
    const all = [...objectsInSuper(tenant, superSide)]
    const orphans = all.filter(([kind, object]) => {
      const { namespace = '', name = '' } = ownerOf(object) ?? {}
      return !object.metadata.deletionTimestamp && !tenant.informers.get(kind)?.get(storeKey(namespace, name))
    })
    // Asked anew: what this process was told last may be of before a restore.
    const plane = await management.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, tenant.ctx.tenant)
    const restored = plane?.status?.restored ?? options.restored
    const seen = { presentStore, restored, resume: word(), superObjects: all.length, orphans: orphans.length }
    const verdict = verdictOf(record.current, seen)
    if (verdict.frozen !== undefined && record.current.frozen === undefined)
      log.error({ reason: verdict.frozen }, 'syncing frozen')
    await record.write(verdict)
    onVerdict(verdict.frozen !== undefined)
  }

  return async () => {
    while (!signal.aborted) {
      try {
        return await judge()
      } catch (error) {
        if (signal.aborted) return
        log.warn({ error: explainError(error) }, 'store identity not known yet')
        await sleep(1_000, undefined, { signal }).catch(() => {})
      }
    }
  }
}
