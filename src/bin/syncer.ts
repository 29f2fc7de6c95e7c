import { getHeapStatistics } from 'node:v8'
import { connectionOf } from '../kube/connect.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { createTenantClient } from '../kube/tenant-client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { configOrExit } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'
import { createShard } from '../runtime/shard.ts'
import { openTracing } from '../runtime/tracing.ts'
import { createEngine } from '../syncer/engine.ts'
import { createSyncerMetrics } from '../syncer/metrics.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { syncerSettings } from './settings/syncer.ts'

const config = configOrExit('syncer', syncerSettings, process)
// Each sync of an object is a trace: too many to keep them all unless somebody asks for it.
const tracing = await openTracing({ service: 'berth-syncer', env: process.env, ratio: 0.01 })
const log = createLog({ process: 'syncer', level: config.logLevel, tracing })
const userAgent = 'berth-syncer'

await runProcess(
  async ({ signal, onStop }) => {
    if (tracing) onStop('tracing', tracing.report(log))
    const management = createKubeClient(await connectionOf(config), { userAgent, tracing })
    const superClient = config.superKubeconfig
      ? createKubeClient(await connectionOf({ kubeconfig: config.superKubeconfig }), { userAgent, tracing })
      : management
    onStop('clients', async () => {
      await Promise.all([...new Set([management, superClient])].map((client) => client.close()))
    })
    const registry = createMetrics({ process: 'syncer' })
    const shard = createShard({
      client: management,
      log,
      namespace: systemNamespace,
      group: 'berth-syncer',
      identity: config.identity,
      onChange: () => engine.reassign(),
    })
    const engine = createEngine({
      management,
      superClient,
      log,
      metrics: createSyncerMetrics(registry),
      holder: config.identity,
      tracing,
      superRanges: config.superRanges,
      ...(config.image !== undefined && { image: config.image }),
      writesPerSecond: config.tenantWritesPerSecond,
      cacheLimits: { perTenant: config.tenantCacheMib * 2 ** 20, all: getHeapStatistics().heap_size_limit / 2 },
      owns: (uid) => shard.owns(uid),
      connect: (kubeconfig) => createTenantClient(parseKubeconfig(kubeconfig), { userAgent, tracing }),
    })
    let started = false
    const ready = { caches: () => (started ? undefined : 'super is not listed yet'), membership: () => shard.complaint() }
    const health = await startHealthServer({ port: config.healthPort, registry, ready })
    onStop('health server', () => health.stop())
    await shard.start({ deadlineMs: 60_000, signal })
    onStop('shard', () => shard.stop())
    await engine.start()
    onStop('engine', () => engine.stop())
    started = true
  },
  { log },
)
