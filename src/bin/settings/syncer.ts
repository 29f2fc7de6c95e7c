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
  healthPort: {
    env: 'BERTH_HEALTH_PORT',
    flag: 'health-port',
    schema: text.port().default(8081),
    help: 'port of /healthz, /readyz and /metrics',
  },
} as const satisfies Settings
