import { createApp } from '../api/app.ts'
import { createCaches } from '../api/caches.ts'
import { startSweeper } from '../api/sweeper.ts'
import { openJobQueue } from '../jobs/open-queue.ts'
import { createQueueDoor } from '../jobs/queue-door.ts'
import { targetRulesOf } from '../jobs/webhooks/settings.ts'
import { connectionOf } from '../kube/connect.ts'
import { createTenantClient } from '../kube/tenant-client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { configOrExit } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'
import { openTracing } from '../runtime/tracing.ts'
import { apiSettings } from './settings/api.ts'

const config = configOrExit('api', apiSettings, process)
const tracing = await openTracing({ service: 'berth-api', env: process.env })
const log = createLog({ process: 'api', level: config.logLevel, tracing })
const userAgent = 'berth-api'

await runProcess(
  async ({ signal, onStop }) => {
    if (tracing) onStop('tracing', tracing.report(log))
    const kube = createKubeClient(await connectionOf(config), { userAgent, tracing })
    onStop('client', () => kube.close())
    const registry = createMetrics({ process: 'api' })
    const caches = createCaches({ kube, log })
    let listens = false
    const ready = { caches: () => caches.complaint(), port: () => (listens ? undefined : 'not listening yet') }
    const health = await startHealthServer({ port: config.healthPort, registry, ready })
    onStop('health server', () => health.stop())
    caches.start()
    onStop('caches', () => caches.stop())
    await caches.whenSynced({ deadlineMs: 60_000, signal })
    // Of deliveries; without it all else goes on.
    const door = createQueueDoor(() => openJobQueue({ client: kube, redisUrl: config.redisUrl, handlers: [], log }))
    onStop('queue', () => door.close())
    const deps = {
      kube,
      caches,
      log,
      now: Date.now,
      connectTenant: (connection: Parameters<typeof createTenantClient>[0]) =>
        createTenantClient(connection, { userAgent, tracing }),
      limits: { perSecond: config.requestsPerSecond, burst: config.requestBurst, streams: config.streams },
      webhooks: { queue: () => door.queue(), rules: targetRulesOf(config) },
    }
    const sweeper = startSweeper(deps)
    onStop('sweeper', () => sweeper.stop())
    const app = await createApp(deps, { registry, tracing })
    await app.listen({ port: config.port, host: '::' })
    listens = true
    onStop('app', () => app.close())
  },
  { log },
)
