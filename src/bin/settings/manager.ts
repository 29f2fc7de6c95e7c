import { z } from 'zod'
import { defaultRotationTimes } from '../../controlplane/pki/rotation.ts'
import { defaultRegistry } from '../../controlplane/versions.ts'
import { commonSettings, type Settings, text } from '../../lib/config.ts'

const seconds = (defaultMs: number) =>
  z.coerce
    .number()
    .min(0)
    .default(defaultMs / 1000)

/** Settings of the process manager. */
export const managerSettings = {
  ...commonSettings,
  imageRegistry: {
    env: 'BERTH_IMAGE_REGISTRY',
    flag: 'image-registry',
    schema: z.string().min(1).default(defaultRegistry),
    help: 'takes the place of registry.k8s.io in the images of control planes',
  },
  image: {
    env: 'BERTH_IMAGE',
    flag: 'image',
    schema: z.string().min(1).optional(),
    help: "Berth's own image: pods that save and load snapshots; without one no snapshots are taken",
  },
  trustSettleSeconds: {
    env: 'BERTH_TRUST_SETTLE_SECONDS',
    flag: 'trust-settle-seconds',
    schema: seconds(defaultRotationTimes.settleMs),
    help: 'in a rotation, time for pods to get the new authority before it issues',
  },
  oldAuthoritySilenceSeconds: {
    env: 'BERTH_OLD_AUTHORITY_SILENCE_SECONDS',
    flag: 'old-authority-silence-seconds',
    schema: seconds(defaultRotationTimes.silenceMs),
    help: 'in a rotation, how long nobody may have been seen with the old authority before it is cut',
  },
  tokenRenewalSeconds: {
    env: 'BERTH_TOKEN_RENEWAL_SECONDS',
    flag: 'token-renewal-seconds',
    schema: seconds(defaultRotationTimes.tokensMs),
    help: 'in a rotation, time for pods to get tokens of the new key before the old one is cut',
  },
  superKubeconfig: {
    env: 'BERTH_SUPER_KUBECONFIG',
    flag: 'super-kubeconfig',
    schema: z.string().min(1).optional(),
    help: 'kubeconfig of the super cluster; default: the management cluster',
  },
  superPodCidrs: {
    env: 'BERTH_SUPER_POD_CIDRS',
    flag: 'super-pod-cidrs',
    schema: text.cidrs(),
    help: 'with --super-kubeconfig: ranges of pods there, comma-separated, to which API servers of tenants may speak: admission webhooks and aggregated APIs',
  },
  identity: {
    env: 'POD_NAME',
    flag: 'identity',
    schema: z.string().min(1).default(`manager-${process.pid}`),
    help: 'name of this process among the managers',
    fallback: 'manager-PID',
  },
  healthPort: {
    env: 'BERTH_HEALTH_PORT',
    flag: 'health-port',
    schema: text.port().default(8080),
    help: 'port of /healthz, /readyz and /metrics',
  },
  webhookPort: {
    env: 'BERTH_WEBHOOK_PORT',
    flag: 'webhook-port',
    schema: text.port().optional(),
    help: 'port of the admission webhook; without one this process serves none',
  },
} as const satisfies Settings
