import { connectionOf } from '../kube/connect.ts'
import { createTenantClient } from '../kube/tenant-client.ts'
import { createKubeClient } from '../kube/undici-client.ts'
import { configOrExit } from '../lib/config.ts'
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
import { agentSettings } from './settings/vn-agent.ts'

const config = configOrExit('vn-agent', agentSettings, process)
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
    const records = createTenantRecords({ client: superClient, log })
    const namespaces = createTenantNamespaces({ client: superClient, log })
    let serving = false
    const ready = {
      port: () => (serving ? undefined : 'not listening yet'),
      tenants: () => (records.hasSynced && namespaces.hasSynced ? undefined : 'tenants and their namespaces are not listed yet'),
    }
    const reusePort = process.platform === 'linux' // beside the agent of yesterday, which still ends its sessions
    const health = await startHealthServer({ port: config.healthPort, host: config.healthHost, reusePort, registry, ready })
    shutdown.onStop('health server', () => health.stop())
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
        connect: (connection) => createTenantClient(connection, { userAgent: 'berth-vn-agent' }),
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
