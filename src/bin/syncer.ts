import { connectionOf } from '../kube/connect.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { configOrExit } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'
import { createShard } from '../runtime/shard.ts'
import { createEngine } from '../syncer/engine.ts'
import { createSyncerMetrics } from '../syncer/metrics.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { syncerSettings } from './settings/syncer.ts'

const config = configOrExit('syncer', syncerSettings, process)
const log = createLog({ process: 'syncer', level: config.logLevel })
const userAgent = 'berth-syncer'

await runProcess(
  async ({ signal, onStop }) => {
    const management = createKubeClient(await connectionOf(config), { userAgent })
    const superClient = config.superKubeconfig
      ? createKubeClient(await connectionOf({ kubeconfig: config.superKubeconfig }), { userAgent })
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
      ...(config.image !== undefined && { image: config.image }),
      owns: (uid) => shard.owns(uid),
      connect: (kubeconfig) => createKubeClient(parseKubeconfig(kubeconfig), { userAgent }),
    })
    let started = false
    const ready = { caches: () => (started ? undefined : 'super is not listed yet') }
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
