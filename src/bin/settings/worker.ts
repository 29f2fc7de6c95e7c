import { z } from 'zod'
import { redisUrlSetting } from '../../jobs/redis-setting.ts'
import { webhookSettings } from '../../jobs/webhooks/settings.ts'
import { commonSettings, type Settings, text } from '../../lib/config.ts'
import { meterSettings } from '../../usage/settings.ts'

/** Settings of the process worker. */
export const workerSettings = {
  ...commonSettings,
  superKubeconfig: {
    env: 'BERTH_SUPER_KUBECONFIG',
    flag: 'super-kubeconfig',
    schema: z.string().min(1).optional(),
    help: 'kubeconfig of the super cluster, whose pods and volumes are counted as usage; default: the management cluster',
  },
  ...webhookSettings,
  ...meterSettings,
  redisUrl: redisUrlSetting,
  identity: {
    env: 'POD_NAME',
    flag: 'identity',
    schema: z.string().min(1).default(`worker-${process.pid}`),
    help: 'name of this process among the workers',
    fallback: 'worker-PID',
  },
  healthPort: {
    env: 'BERTH_HEALTH_PORT',
    flag: 'health-port',
    schema: text.port().default(8080),
    help: 'port of /healthz, /readyz and /metrics',
  },
} as const satisfies Settings
