import type { Exposure } from '../../apis/exposure.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { rendezvousOwner } from '../../runtime/rendezvous.ts'
import { type PlanePlace, tenantEndpoint, tenantHost } from '../endpoints.ts'

/** Where people come to a tenant's API server. */
export type WayIn =
  /** `host` is the name or address in `server`, which the serving certificate has to have. */
  | { readonly kind: 'known'; readonly server: string; readonly host: string }
  /** Not known yet. What was published before goes on being so. */
  | { readonly kind: 'unknown'; readonly reason: string; readonly message: string }

export interface WayInput extends PlanePlace {
  readonly exposure: Exposure | undefined
  readonly uid: string
  /** The exposing Service, when it is there as it is wanted. */
  readonly service: KubeObject | undefined
  /** Nodes of management. */
  readonly nodes: readonly KubeObject[]
  /** Host that the published kubeconfig names. */
  readonly published: string | undefined
}

interface NodeAddress {
  readonly type: string
  readonly address: string
}

const isReady = ({ status }: KubeObject): boolean =>
  (status?.conditions ?? []).some((each: { type?: string; status?: string }) => each.type === 'Ready' && each.status === 'True')

const addressesOf = ({ status }: KubeObject): readonly NodeAddress[] => (status?.addresses ?? []) as NodeAddress[]

/**
 * The node by whose address people come: the one that is published, ready or not, as long as it is there; else one of the ready ones, another one for another
 * tenant. Its address that is meant for outside, if it has one.
 */
const nodeAddress = ({ nodes, published, uid }: Pick<WayInput, 'nodes' | 'published' | 'uid'>): string | undefined => {
  const known = nodes.flatMap(addressesOf).find(({ type, address }) => type !== 'Hostname' && address === published)
  if (known) return known.address
  const name = rendezvousOwner(
    uid,
    nodes.filter(isReady).map(({ metadata }) => metadata.name ?? ''),
  )
  const addresses = addressesOf(
    nodes.find(({ metadata }) => metadata.name === name) ?? { apiVersion: '', kind: '', metadata: {} },
  )
  return ['ExternalIP', 'InternalIP'].flatMap((type) => addresses.filter((each) => each.type === type))[0]?.address
}

/** As a certificate and a URL can carry it; anything else that a controller writes into a status is no address. */
const isHost = (host: string): boolean =>
  host.length <= 253 && /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*|[0-9a-f:.]+)$/.test(host)

const serverOf = (host: string, port: number): string => `https://${host.includes(':') ? `[${host}]` : host}:${port}`

const known = (host: string, port: number): WayIn => ({ kind: 'known', server: serverOf(host, port), host })

const unknown = (reason: string, message: string): WayIn => ({ kind: 'unknown', reason, message })

const balancerAddress = (service: KubeObject, published: string | undefined): string | undefined => {
  const entries = (service.status?.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[]
  const hosts = entries.map(({ ip, hostname }) => (ip || hostname || '').toLowerCase()).filter(isHost)
  return hosts.find((host) => host === published) ?? hosts[0]
}

/** The server that the kubeconfig of a tenant should name. Pure. */
export const wayIn = (input: WayInput): WayIn => {
  const { exposure, service, published } = input
  const { type = 'ClusterIP', hostname, port } = exposure ?? {}
  if (type === 'ClusterIP') {
    if (hostname !== undefined) return known(hostname, port ?? 443)
    return { kind: 'known', server: tenantEndpoint(input), host: tenantHost(input) }
  }
  if (!service) return unknown('Starting', `the Service of type ${type} is being made`)
  if (type === 'NodePort') {
    const nodePort = service.spec?.ports?.[0]?.nodePort as number | undefined
    if (nodePort === undefined) return unknown('Starting', 'the Service has no node port yet')
    if (hostname !== undefined) return known(hostname, port ?? nodePort)
    const address = nodeAddress(input)
    return address === undefined
      ? unknown('NoNode', 'no node is ready and has an address: the kubeconfig stays as it is')
      : known(address, nodePort)
  }
  const address = balancerAddress(service, published)
  if (address === undefined) {
    const place = `Service ${service.metadata.namespace}/${service.metadata.name}`
    return unknown(
      'NoAddress',
      `${place} has no address of a load balancer yet: the kubeconfig stays as it is. If it stays so, look at the Events of that Service, and whether the cluster has a controller for load balancers`,
    )
  }
  return known(hostname ?? address, hostname === undefined ? 443 : (port ?? 443))
}

/**
 * Names that the serving certificate has for the way in: the wanted host, as soon as it is known, and the published one, which goes on being used until the
 * other one is published.
 */
export const certificateNames = (way: WayIn, input: Pick<WayInput, 'exposure' | 'published' | keyof PlanePlace>): string[] => {
  const { exposure, published } = input
  const wanted = way.kind === 'known' ? way.host : exposure?.hostname
  return [wanted, published].filter((name) => name !== undefined).filter((name) => name !== tenantHost(input))
}

/** Host of a URL, an IPv6 address without its brackets; undefined for what is no URL. */
export const hostOf = (server: string | undefined): string | undefined =>
  URL.parse(server ?? '')?.hostname.replace(/^\[(.*)\]$/, '$1')
