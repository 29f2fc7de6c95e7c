import { createApp } from '../api/app.ts'
import { createCaches } from '../api/caches.ts'
import { startSweeper } from '../api/sweeper.ts'
import { openJobQueue } from '../jobs/open-queue.ts'
import { createQueueDoor } from '../jobs/queue-door.ts'
import { redisUrlSetting } from '../jobs/redis-setting.ts'
import { targetRulesOf, webhookSettings } from '../jobs/webhooks/settings.ts'
import { connectionOf } from '../kube/connect.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { commonSettings, configOrExit, text } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'

const settings = {
  ...commonSettings,
  ...webhookSettings,
  redisUrl: redisUrlSetting,
  port: {
    env: 'BERTH_API_PORT',
    flag: 'port',
    schema: text.port().default(8090),
    help: 'port of the HTTP API, without TLS: put a proxy with TLS before it',
  },
  healthPort: {
    env: 'BERTH_HEALTH_PORT',
    flag: 'health-port',
    schema: text.port().default(8080),
    help: 'port of /healthz, /readyz and /metrics',
  },
  requestsPerSecond: {
    env: 'BERTH_API_REQUESTS_PER_SECOND',
    flag: 'requests-per-second',
    schema: text.count().default(50),
    help: 'requests of one organisation, or of one key of the platform, in a second',
  },
  requestBurst: {
    env: 'BERTH_API_REQUEST_BURST',
    flag: 'request-burst',
    schema: text.count().default(200),
    help: 'requests of it at once',
  },
  streams: {
    env: 'BERTH_API_STREAMS',
    flag: 'streams',
    schema: text.count().default(1000),
    help: 'event streams of one organisation at once, in this process',
  },
}
const config = configOrExit('api', settings, process)
const log = createLog({ process: 'api', level: config.logLevel })
const userAgent = 'berth-api'

await runProcess(
  async ({ signal, onStop }) => {
    const kube = createKubeClient(await connectionOf(config), { userAgent })
    onStop('client', () => kube.close())
    const registry = createMetrics({ process: 'api' })
    const caches = createCaches({ kube, log })
    const health = await startHealthServer({ port: config.healthPort, registry, ready: { caches: () => caches.complaint() } })
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
      connectTenant: (connection: Parameters<typeof createKubeClient>[0]) => createKubeClient(connection, { userAgent }),
      limits: { perSecond: config.requestsPerSecond, burst: config.requestBurst, streams: config.streams },
      webhooks: { queue: () => door.queue(), rules: targetRulesOf(config) },
    }
    const sweeper = startSweeper(deps)
    onStop('sweeper', () => sweeper.stop())
    const app = await createApp(deps, { registry })
    await app.listen({ port: config.port, host: '::' })
    onStop('app', () => app.close())
  },
  { log },
)
