import { z } from 'zod'
import { connectionOf } from '../kube/connect.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { commonSettings, configOrExit, text } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'
import { readCertificates, watchCertificates } from '../vn-agent/certificates.ts'
import { createAgentMetrics } from '../vn-agent/metrics.ts'
import { createAgentServer } from '../vn-agent/server.ts'
import { createSessions } from '../vn-agent/sessions.ts'

const path = (name: string, fallback: string, help: string) => ({
  env: `BERTH_AGENT_${name.toUpperCase().replaceAll('-', '_')}`,
  flag: name,
  schema: z.string().min(1).default(fallback),
  help,
})
const settings = {
  ...commonSettings,
  port: {
    env: 'BERTH_AGENT_PORT',
    flag: 'port',
    schema: text.port().default(10550),
    help: 'port for the API servers of tenants',
  },
  host: path('host', '0.0.0.0', 'address to listen on'),
  healthPort: {
    env: 'BERTH_HEALTH_PORT',
    flag: 'health-port',
    schema: text.port().default(10551),
    help: 'port of health and metrics',
  },
  healthHost: path('health-host', '127.0.0.1', 'address of /healthz, /readyz and /metrics, which ask for no certificate'),
  cert: path('cert-file', '/etc/berth/serving/tls.crt', 'own serving certificate'),
  key: path('key-file', '/etc/berth/serving/tls.key', 'its key'),
  clientCa: path('client-ca-file', '/etc/berth/client-ca/ca.crt', 'authority of the client certificates of tenants'),
  perTenant: {
    env: 'BERTH_AGENT_SESSIONS_PER_TENANT',
    flag: 'sessions-per-tenant',
    schema: text.count().default(200),
    help: 'sessions a tenant may have at a time on this node',
  },
}
const config = configOrExit('vn-agent', settings, process)
const log = createLog({ process: 'vn-agent', level: config.logLevel })
const sessionEndMs = 30_000

await runProcess(
  async (shutdown) => {
    const first = await readCertificates(config)
    const superConnection = await connectionOf(config)
    const superClient = createKubeClient(superConnection, { userAgent: 'berth-vn-agent' })
    shutdown.onStop('client', () => superClient.close())
    const registry = createMetrics({ process: 'vn-agent' })
    const sessions = createSessions({ perTenant: config.perTenant, log, metrics: createAgentMetrics(registry) })
    let serving = false
    const ready = { port: () => (serving ? undefined : 'not listening yet') }
    const reusePort = process.platform === 'linux' // beside the agent of yesterday, which still ends its sessions
    const health = await startHealthServer({ port: config.healthPort, host: config.healthHost, reusePort, registry, ready })
    shutdown.onStop('health server', () => health.stop())
    const server = createAgentServer(first, { superClient, superConnection, sessions, log })
    const watch = watchCertificates(first, config, { log, onChange: server.setCertificates })
    shutdown.onStop('certificates', () => watch.stop())
    const port = await server.listen(config.port, config.host)
    shutdown.onStop('server', () => server.stop(sessionEndMs))
    serving = true
    log.info({ port, super: superConnection.server }, 'serving')
  },
  { log, stopDeadlineMs: sessionEndMs + 10_000 },
)
