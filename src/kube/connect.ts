import { AppError } from '../lib/errors.ts'
import type { KubeConnection } from './client.ts'
import { inClusterConnection, loadKubeconfig } from './kubeconfig.ts'

/** Where a process was told to find its API server. */
export interface ConnectionPlace {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
  /** KUBERNETES_SERVICE_HOST and _PORT, as in each pod. */
  readonly serviceHost?: string | undefined
  readonly servicePort?: string | undefined
}

/** A kubeconfig file when one is named, else the service account of the pod. Throws CONFIG_INVALID when there is neither. */
export const connectionOf = async ({
  kubeconfig,
  context,
  serviceHost,
  servicePort = '443',
}: ConnectionPlace): Promise<KubeConnection> => {
  if (kubeconfig) return loadKubeconfig(kubeconfig, context)
  if (serviceHost) return inClusterConnection({ host: serviceHost, port: servicePort })
  throw new AppError(
    'CONFIG_INVALID',
    'no API server: set KUBECONFIG or --kubeconfig, or run in a pod with a service account',
    {},
  )
}
