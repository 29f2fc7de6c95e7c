import { z } from 'zod'
import { commonSettings, type Settings, text } from '../../lib/config.ts'

/** Settings of the process syncer. */
export const syncerSettings = {
  ...commonSettings,
  superKubeconfig: {
    env: 'BERTH_SUPER_KUBECONFIG',
    flag: 'super-kubeconfig',
    schema: z.string().min(1).optional(),
    help: 'kubeconfig of the super cluster; default: the management cluster',
  },
  superRanges: {
    env: 'BERTH_SUPER_RANGES',
    flag: 'super-ranges',
    schema: text.cidrs(),
    help: "networks that are super's own and that pods of tenants kept apart do not reach, comma-separated: nodes to come, machines beside the cluster, an API server outside of it, pods where nodes do not say their ranges",
  },
  identity: {
    env: 'POD_NAME',
    flag: 'identity',
    schema: z.string().min(1).default(`syncer-${process.pid}`),
    help: 'name of this process among the syncers',
    fallback: 'syncer-PID',
  },
  image: {
    env: 'BERTH_IMAGE',
    flag: 'image',
    schema: z.string().min(1).optional(),
    help: "Berth's own image: writes the hosts file of pods with a subdomain; without one `hostname -f` gives the short name there",
  },
  tenantCacheMib: {
    env: 'BERTH_TENANT_CACHE_MIB',
    flag: 'tenant-cache-mib',
    schema: text.count().default(256),
    help: "most MiB of JSON that is kept of one tenant's objects; a tenant with more is frozen. All tenants together take half of the heap at most",
  },
  tenantWritesPerSecond: {
    env: 'BERTH_TENANT_WRITES_PER_SECOND',
    flag: 'tenant-writes-per-second',
    schema: text.count().default(20),
    help: 'most objects that are made, changed or deleted in super for one tenant in a second, after a burst of two seconds; what is more waits. A kube-controller-manager makes 20 pods in a second',
  },
  healthPort: {
    env: 'BERTH_HEALTH_PORT',
    flag: 'health-port',
    schema: text.port().default(8081),
    help: 'port of /healthz, /readyz and /metrics',
  },
} as const satisfies Settings
