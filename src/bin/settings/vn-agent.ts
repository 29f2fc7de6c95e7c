import { z } from 'zod'
import { commonSettings, type Settings, text } from '../../lib/config.ts'

const path = (name: string, fallback: string, help: string) => ({
  env: `BERTH_AGENT_${name.toUpperCase().replaceAll('-', '_')}`,
  flag: name,
  schema: z.string().min(1).default(fallback),
  help,
})
/** Settings of the process vn-agent. */
export const agentSettings = {
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
} as const satisfies Settings
