import { createWebhook } from '../controlplane/admission/webhook.ts'
import { createManager } from '../controlplane/manager.ts'
import { clusterApart, sameCluster } from '../controlplane/super-cluster.ts'
import { createTenantMetrics } from '../controlplane/tenant-metrics.ts'
import { connectionOf } from '../kube/connect.ts'
import { createTenantClient } from '../kube/tenant-client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { configOrExit } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createLeaderElection, type LeaderElection } from '../runtime/leader.ts'
import { createControllerMetrics, createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'
import { openTracing } from '../runtime/tracing.ts'
import { systemNamespace } from '../tenancy/names.ts'
import { managerSettings } from './settings/manager.ts'

const config = configOrExit('manager', managerSettings, process)
const tracing = await openTracing({ service: 'berth-manager', env: process.env })
const log = createLog({ process: 'manager', level: config.logLevel, tracing })
const userAgent = 'berth-manager'

await runProcess(
  async ({ signal, onStop, stop }) => {
    if (tracing) onStop('tracing', tracing.report(log))
    const kube = createKubeClient(await connectionOf(config), { userAgent, tracing })
    onStop('client', () => kube.close())
    const superConnection =
      config.superKubeconfig === undefined ? undefined : await connectionOf({ kubeconfig: config.superKubeconfig })
    const superKube = superConnection && createKubeClient(superConnection, { userAgent, tracing })
    onStop('client of super', () => superKube?.close())
    const superCluster =
      superConnection && superKube
        ? clusterApart({ kube: superKube, server: superConnection.server, podCidrs: config.superPodCidrs })
        : sameCluster(kube)
    const registry = createMetrics({ process: 'manager' })
    const webhook =
      config.webhookPort === undefined ? undefined : createWebhook({ kube, superCluster, port: config.webhookPort, log })
    let election: LeaderElection | undefined
    const ready = {
      webhook: () => webhook?.complaint(),
      lease: () => (election ? election.complaint() : 'the lease was not asked for yet'),
    }
    const health = await startHealthServer({ port: config.healthPort, registry, ready })
    onStop('health server', () => health.stop())
    await webhook?.start()
    onStop('webhook', () => webhook?.stop())
    const manager = createManager({
      kube,
      superCluster,
      connectTenant: (connection) => createTenantClient(connection, { userAgent, tracing }),
      log,
      registry: config.imageRegistry,
      image: config.image,
      rotationTimes: {
        settleMs: config.trustSettleSeconds * 1000,
        silenceMs: config.oldAuthoritySilenceSeconds * 1000,
        tokensMs: config.tokenRenewalSeconds * 1000,
      },
      metrics: createControllerMetrics(registry),
      tenantMetrics: createTenantMetrics(registry),
      tracing,
      signal,
    })
    const stood = createLeaderElection({
      client: kube,
      lease: { namespace: systemNamespace, name: 'berth-manager' },
      identity: config.identity,
      log,
      onElected: () => void manager.start().catch(stop),
      onLost: (reason) => stop(new Error(reason)),
    })
    election = stood
    stood.start()
    onStop('election', () => stood.stop())
    onStop('manager', () => manager.stop())
  },
  { log },
)
