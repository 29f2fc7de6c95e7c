import { Registry } from 'prom-client'
import type { KubeClient } from '../kube/client.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { createTenantClient } from '../kube/tenant-client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import type { Log } from '../lib/log.ts'
import type { CacheLimits } from '../syncer/cache-budget.ts'
import { createEngine, type Engine } from '../syncer/engine.ts'
import { createSyncerMetrics } from '../syncer/metrics.ts'
import { type VerifyReport, verifyTenant } from '../syncer/verify/verify.ts'
import type { SyncClusters, SyncTenant } from './sync-clusters.ts'

export interface RunningSyncer {
  readonly engine: Engine
  stop(): Promise<void>
}

interface SyncerOptions {
  readonly log: Log
  readonly image?: string
  readonly now?: () => number
  readonly cacheLimits?: CacheLimits
  readonly writesPerSecond?: number
  /** Told of each list that a tenant's API server is asked for, by its origin. */
  readonly onList?: (server: string) => void
}

/** One syncer over all tenants, with just the rights that its manifests give. */
export const runSyncer = async (
  { syncerConnection }: SyncClusters,
  { log, image, now, cacheLimits, writesPerSecond, onList }: SyncerOptions,
): Promise<RunningSyncer> => {
  const opened: KubeClient[] = []
  const keep = (client: KubeClient): KubeClient => {
    opened.push(client)
    return client
  }
  const heard = (client: KubeClient): KubeClient => ({
    ...client,
    list: (type, options) => {
      onList?.(client.server)
      return client.list(type, options)
    },
  })
  const userAgent = 'berth-syncer'
  const superClient = keep(createKubeClient(syncerConnection, { userAgent }))
  const engine = createEngine({
    management: superClient,
    superClient,
    log,
    metrics: createSyncerMetrics(new Registry()),
    holder: 'test',
    ...(image !== undefined && { image }),
    ...(now && { now }),
    ...(cacheLimits && { cacheLimits }),
    writesPerSecond,
    owns: () => true,
    connect: (kubeconfig) => heard(keep(createTenantClient(parseKubeconfig(kubeconfig), { userAgent }))),
  })
  await engine.start()
  return {
    engine,
    stop: async () => {
      await engine.stop()
      await Promise.all(opened.map((client) => client.close()))
    },
  }
}

/** What `berth verify` says of a tenant once both sides have come to rest. */
export const verifyOnce = async ({ superApi }: SyncClusters, { ref }: SyncTenant): Promise<VerifyReport> =>
  verifyTenant(
    { ...ref, rounds: 5, everyMs: 500, settleMs: 30_000, signal: AbortSignal.timeout(60_000) },
    {
      management: superApi.client,
      superClient: superApi.client,
      connect: (kubeconfig) => createKubeClient(parseKubeconfig(kubeconfig), { userAgent: 'berth-test' }),
    },
  )
