import { redisUrlSetting } from '../../jobs/redis-setting.ts'
import { webhookSettings } from '../../jobs/webhooks/settings.ts'
import { commonSettings, type Settings, text } from '../../lib/config.ts'

/** Settings of the process api. */
export const apiSettings = {
  ...commonSettings,
  ...webhookSettings,
  redisUrl: redisUrlSetting,
  port: {
    env: 'BERTH_API_PORT',
    flag: 'port',
    schema: text.port().default(8090),
    help: 'port of the HTTP API, without TLS: put a proxy with TLS before it',
  },
  healthPort: {
    env: 'BERTH_HEALTH_PORT',
    flag: 'health-port',
    schema: text.port().default(8080),
    help: 'port of /healthz, /readyz and /metrics',
  },
  requestsPerSecond: {
    env: 'BERTH_API_REQUESTS_PER_SECOND',
    flag: 'requests-per-second',
    schema: text.count().default(50),
    help: 'requests of one organisation, or of one key of the platform, in a second',
  },
  requestBurst: {
    env: 'BERTH_API_REQUEST_BURST',
    flag: 'request-burst',
    schema: text.count().default(200),
    help: 'requests of it at once',
  },
  streams: {
    env: 'BERTH_API_STREAMS',
    flag: 'streams',
    schema: text.count().default(1000),
    help: 'event streams of one organisation at once, in this process',
  },
} as const satisfies Settings
