import { targetRulesOf } from '../jobs/webhooks/settings.ts'
import { connectionOf } from '../kube/connect.ts'
import { createTenantClient } from '../kube/tenant-client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { configOrExit } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createLeaderElection } from '../runtime/leader.ts'
import { createControllerMetrics, createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'
import { openTracing } from '../runtime/tracing.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { createMeter } from '../usage/meter.ts'
import { meterTimesOf } from '../usage/settings.ts'
import { createDelivering } from '../worker/delivering.ts'
import { createParts, type Part } from '../worker/parts.ts'
import { createTeller } from '../worker/teller.ts'
import { workerSettings } from './settings/worker.ts'

const config = configOrExit('worker', workerSettings, process)
const tracing = await openTracing({ service: 'berth-worker', env: process.env })
const log = createLog({ process: 'worker', level: config.logLevel, tracing })
const userAgent = 'berth-worker'

await runProcess(
  async ({ signal, onStop, stop }) => {
    if (tracing) onStop('tracing', tracing.report(log))
    const kube = createKubeClient(await connectionOf(config), { userAgent, tracing })
    onStop('client', () => kube.close())
    const superClient =
      config.superKubeconfig === undefined
        ? kube
        : createKubeClient(await connectionOf({ kubeconfig: config.superKubeconfig }), { userAgent, tracing })
    if (superClient !== kube) onStop('client of super', () => superClient.close())
    const registry = createMetrics({ process: 'worker' })
    const delivering = createDelivering({ kube, redisUrl: config.redisUrl, rules: targetRulesOf(config), log, registry, tracing })
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
      createMeter({
        management: kube,
        superClient,
        connectTenant: (connection) => createTenantClient(connection, { userAgent, tracing }),
        log,
        now: Date.now,
        times: meterTimesOf(config),
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
