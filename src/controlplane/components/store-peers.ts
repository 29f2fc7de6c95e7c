import type { KubeObject } from '../../apis/kube-object.ts'

/** Whom an API server reaches for its data store, as network policies see it: after Services were taken for the pods behind them. */
export type StorePeer =
  | { readonly kind: 'address'; readonly cidr: string; readonly port: number }
  | {
      readonly kind: 'pods'
      readonly namespace: string
      /** Undefined: any pod there. */
      readonly labels?: Readonly<Record<string, string>>
      /** A name is that of the pod's own port. */
      readonly port: number | string
    }
  /** Any address but link-local ones: what a name stands for may change. */
  | { readonly kind: 'anywhere'; readonly port: number }

/** A Service that an endpoint names. */
export interface ServiceName {
  readonly namespace: string
  readonly name: string
}

/** `<service>.<namespace>.svc`, whatever stands before and after it; undefined for all other hosts. */
export const serviceOf = (endpoint: string): ServiceName | undefined => {
  const labels = new URL(endpoint).hostname.split('.')
  const at = labels.indexOf('svc')
  const [name, namespace] = [labels[at - 2], labels[at - 1]]
  return at >= 2 && name && namespace ? { name, namespace } : undefined
}

interface ServicePort {
  readonly port: number
  readonly targetPort?: number | string
}

const peerOf = (endpoint: string, services: ReadonlyMap<string, KubeObject>): StorePeer => {
  const { hostname, port: written } = new URL(endpoint)
  // The usual port of a scheme is left out.
  const port = written === '' ? 443 : Number(written)
  if (hostname.startsWith('[')) return { kind: 'address', cidr: `${hostname.slice(1, -1)}/128`, port }
  if (/^\d+(\.\d+){3}$/.test(hostname)) return { kind: 'address', cidr: `${hostname}/32`, port }
  const named = serviceOf(endpoint)
  if (!named) return { kind: 'anywhere', port }
  const { namespace, name } = named
  const spec = services.get(`${namespace}/${name}`)?.spec
  const labels = spec?.selector as Record<string, string> | undefined
  // Without an address of its own a Service translates no port.
  const found = spec?.clusterIP === 'None' ? undefined : ((spec?.ports ?? []) as ServicePort[]).find((each) => each.port === port)
  return { kind: 'pods', namespace, ...(labels && { labels }), port: found?.targetPort ?? port }
}

/** Services by `namespace/name`, as far as they are there. */
export const peersOf = (endpoints: readonly string[], services: ReadonlyMap<string, KubeObject>): readonly StorePeer[] => {
  const peers = endpoints.map((endpoint) => peerOf(endpoint, services))
  const seen = new Set<string>()
  return peers.filter((peer) => {
    const text = JSON.stringify(peer)
    return !seen.has(text) && seen.add(text)
  })
}
