import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { type Controller, createController } from '../../runtime/controller.ts'
import { systemNames } from '../names.ts'
import type { SuperCluster } from '../super-cluster.ts'
import { keepWebhookKeys } from '../system-keys.ts'
import { type AdmissionServer, startAdmissionServer } from './server.ts'

export interface Webhook {
  start(): Promise<void>
  stop(): Promise<void>
  /** Why it does not serve, or undefined when it does. */
  complaint(): string | undefined
}

/** How often certificate and configuration are looked at again: a new installation of the manifests leaves the authority in place, a restore may not. */
const recheckMs = 5 * 60_000

const withAuthority = (configuration: KubeObject, cert: string): { webhooks: unknown[]; changed: boolean } => {
  const caBundle = Buffer.from(cert).toString('base64')
  const webhooks = (configuration.webhooks ?? []) as { clientConfig?: { caBundle?: string } }[]
  return {
    webhooks: webhooks.map((webhook) => ({ ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } })),
    changed: webhooks.some(({ clientConfig }) => clientConfig?.caBundle !== caBundle),
  }
}

/** The admission webhook of this process: its keys, its server, and super's knowledge of the authority behind them. Every manager serves, leader or not. */
export const createWebhook = ({
  kube,
  superCluster,
  port,
  log,
}: {
  readonly kube: KubeClient
  readonly superCluster: SuperCluster
  readonly port: number
  readonly log: Log
}): Webhook => {
  let server: AdmissionServer | undefined
  let complaint: string | undefined = 'the webhook has not started yet'

  const reconcile = async (_: string, signal: AbortSignal) => {
    try {
      const { authority, serving } = await keepWebhookKeys({ kube, signal, now: () => new Date() })
      if (server) server.setKeys(serving)
      else server = await startAdmissionServer({ kube, superCluster, keys: serving, port, log })
      const name = systemNames.webhookConfiguration
      const type = resourceTypes.validatingWebhookConfigurations
      const configuration = await kube.get(type, { name }, { signal })
      if (!configuration) {
        complaint = `ValidatingWebhookConfiguration ${name} is not there: apply Berth's manifests`
        return { kind: 'wait', retryAfterMs: 2000 } as const
      }
      const { webhooks, changed } = withAuthority(configuration, authority.cert)
      if (changed) {
        const { resourceVersion } = configuration.metadata
        await kube.patch(type, { name }, { metadata: { resourceVersion }, webhooks }, { type: 'merge', signal })
      }
      complaint = undefined
      return { kind: 'wait', retryAfterMs: recheckMs } as const
    } catch (error) {
      complaint = explainError(error)
      throw error
    }
  }
  const controller: Controller = createController({
    name: 'webhook',
    log,
    concurrency: 1,
    reconcile,
    backoff: { firstMs: 250, capMs: 10_000 },
  })

  return {
    start: async () => {
      controller.enqueue('webhook')
      await controller.start()
    },
    stop: async () => {
      await controller.stop()
      await server?.stop()
    },
    complaint: () => complaint,
  }
}
