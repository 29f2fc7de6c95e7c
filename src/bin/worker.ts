import { z } from 'zod'
import { redisUrlSetting } from '../jobs/redis-setting.ts'
import { targetRulesOf, webhookSettings } from '../jobs/webhooks/settings.ts'
import { connectionOf } from '../kube/connect.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { commonSettings, configOrExit, text } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createLeaderElection } from '../runtime/leader.ts'
import { createControllerMetrics, createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { createDelivering } from '../worker/delivering.ts'
import { createParts, type Part } from '../worker/parts.ts'
import { createTeller } from '../worker/teller.ts'

const settings = {
  ...commonSettings,
  ...webhookSettings,
  redisUrl: redisUrlSetting,
  identity: {
    env: 'POD_NAME',
    flag: 'identity',
    schema: z.string().min(1).default(`worker-${process.pid}`),
    help: 'name of this process among the workers',
  },
  healthPort: {
    env: 'BERTH_HEALTH_PORT',
    flag: 'health-port',
    schema: text.port().default(8080),
    help: 'port of /healthz, /readyz and /metrics',
  },
}
const config = configOrExit('worker', settings, process)
const log = createLog({ process: 'worker', level: config.logLevel })

await runProcess(
  async ({ signal, onStop, stop }) => {
    const kube = createKubeClient(await connectionOf(config), { userAgent: 'berth-worker' })
    onStop('client', () => kube.close())
    const registry = createMetrics({ process: 'worker' })
    const delivering = createDelivering({ kube, redisUrl: config.redisUrl, rules: targetRulesOf(config), log, registry })
    const health = await startHealthServer({
      port: config.healthPort,
      registry,
      ready: { queue: () => delivering.complaint() },
    })
    onStop('health server', () => health.stop())
    onStop('deliveries', () => delivering.stop())
    /** What one process does for all. */
    const leading: readonly Part[] = [
      createTeller({
        kube,
        queue: () => delivering.queue(),
        log,
        now: () => new Date(),
        metrics: createControllerMetrics(registry),
      }),
    ]
    const parts = createParts(leading)
    const election = createLeaderElection({
      client: kube,
      lease: { namespace: systemNamespace, name: 'berth-worker' },
      identity: config.identity,
      log,
      onElected: () => void parts.start().catch((error) => signal.aborted || stop(error)),
      onLost: (reason) => stop(new Error(reason)),
    })
    election.start()
    onStop('election', () => election.stop())
    onStop('parts of the leader', () => parts.stop())
    await delivering.start(signal)
  },
  { log },
)
