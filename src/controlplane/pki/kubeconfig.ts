import { stringify } from 'yaml'

/** Client key and certificate of a kubeconfig: as text in it, or as files beside the process that reads it (picked up live when renewed). */
export type KubeconfigUser =
  | { readonly kind: 'data'; readonly cert: string; readonly key: string }
  | { readonly kind: 'files'; readonly cert: string; readonly key: string }

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A kubeconfig with one context. `ca` is PEM. */
export const kubeconfigText = (config: {
  readonly cluster: string
  readonly user: string
  readonly server: string
  readonly ca: string
  readonly credentials: KubeconfigUser
}): string => {
  const { cluster, user, server, ca, credentials } = config
  const userEntry =
    credentials.kind === 'data'
      ? { 'client-certificate-data': base64(credentials.cert), 'client-key-data': base64(credentials.key) }
      : { 'client-certificate': credentials.cert, 'client-key': credentials.key }
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: cluster, cluster: { server, 'certificate-authority-data': base64(ca) } }],
      users: [{ name: user, user: userEntry }],
      contexts: [{ name: cluster, context: { cluster, user } }],
      'current-context': cluster,
    },
    { lineWidth: 0 },
  )
}
