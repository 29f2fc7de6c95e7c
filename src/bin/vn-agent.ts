import { z } from 'zod'
import { connectionOf } from '../kube/connect.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { commonSettings, configOrExit, text } from '../lib/config.ts'
import { createLog } from '../lib/log.ts'
import { startHealthServer } from '../runtime/health.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { runProcess } from '../runtime/process.ts'
import { readCertificates, watchCertificates } from '../vn-agent/certificates.ts'
import { createKubelet, kubeletConnection } from '../vn-agent/kubelet.ts'
import { createAgentMetrics } from '../vn-agent/metrics.ts'
import { createNodeReads } from '../vn-agent/node-reads.ts'
import { createPodIndex } from '../vn-agent/pod-index.ts'
import { createAgentServer } from '../vn-agent/server.ts'
import { createSessions } from '../vn-agent/sessions.ts'
import { createTenantNamespaces } from '../vn-agent/tenant-namespaces.ts'
import { createTenantRecords } from '../vn-agent/tenant-records.ts'
import { createTokenAccess } from '../vn-agent/token-access.ts'
import { apiWay, kubeletWay } from '../vn-agent/way.ts'

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
  nodeName: {
    env: 'BERTH_AGENT_NODE_NAME',
    flag: 'node-name',
    schema: z.string().min(1),
    help: 'name of the node this agent is on',
  },
  kubeletAddress: path('kubelet-address', '127.0.0.1', 'address of the kubelet of this node, as its certificate has it'),
  kubeletPort: {
    env: 'BERTH_AGENT_KUBELET_PORT',
    flag: 'kubelet-port',
    schema: text.port().default(10250),
    help: 'its port',
  },
  kubeletCa: path(
    'kubelet-ca-file',
    '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
    'authority of the serving certificates of kubelets',
  ),
  kubeletInsecure: {
    env: 'BERTH_AGENT_KUBELET_INSECURE_TLS',
    flag: 'kubelet-insecure-tls',
    schema: text.flag().default(false),
    help: 'true: take whatever certificate the kubelet shows; whoever gets hold of its port then gets the token of this agent',
  },
  via: {
    env: 'BERTH_AGENT_VIA',
    flag: 'via',
    schema: z.enum(['api', 'kubelet']).default('api'),
    help: 'how sessions go on: by the API of super in the name of the tenant, or straight to the kubelet, which takes the right nodes/proxy',
  },
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
    const records = createTenantRecords({ client: superClient, log })
    const namespaces = createTenantNamespaces({ client: superClient, log })
    shutdown.onStop('records', () => records.stop())
    shutdown.onStop('namespaces', () => namespaces.stop())
    records.start()
    namespaces.start()
    const { nodeName, kubeletAddress: address, kubeletPort, kubeletCa: caFile, kubeletInsecure: insecure } = config
    const connect = () => kubeletConnection({ address, port: kubeletPort, caFile, insecure }, superConnection)
    const server = createAgentServer(first, {
      superClient,
      way: config.via === 'api' ? apiWay(superConnection) : kubeletWay(connect),
      sessions,
      tokens: createTokenAccess({
        records,
        connect: (connection) => createKubeClient(connection, { userAgent: 'berth-vn-agent' }),
        nodeName,
        log,
      }),
      reads: createNodeReads({
        kubelet: createKubelet({ connect, isTenants: namespaces.isTenants }),
        podIndex: createPodIndex({ superClient, nodeName }),
        namespaces,
        log,
      }),
      log,
    })
    const watch = watchCertificates(first, config, { log, onChange: server.setCertificates })
    shutdown.onStop('certificates', () => watch.stop())
    const port = await server.listen(config.port, config.host)
    shutdown.onStop('server', () => server.stop(sessionEndMs))
    serving = true
    log.info({ port, super: superConnection.server, via: config.via }, 'serving')
  },
  { log, stopDeadlineMs: sessionEndMs + 10_000 },
)
