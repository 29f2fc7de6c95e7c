import type { KubeObject } from '../../apis/kube-object.ts'
import { berthDomain } from '../../tenancy/marks.ts'
import { superDoorName, tenantIdentityNamespace } from '../../tenancy/names.ts'
import { apiServerAddress } from '../../tenancy/slices.ts'
import { hasReadyPod, hasRunningContainer } from '../diagnose.ts'
import { apiServerPort } from './kube-apiserver.ts'
import { labelsOf, type Plane } from './plane.ts'

/** As an EndpointSlice of IPv4 addresses takes them. */
const isIPv4 = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(text)

type Placed = Pick<Plane, 'tenant' | 'slice'>

const metadataIn = (plane: Placed, more: Readonly<Record<string, string>> = {}) => ({
  name: superDoorName(plane.tenant.uid),
  namespace: tenantIdentityNamespace,
  labels: { ...labelsOf(plane), ...more },
})

/**
 * Where management is another cluster: the Service of super that has the slice's first address, which it claims. Pods of the tenant know it as
 * `kubernetes.default`. It selects nothing, as the pods behind it are elsewhere.
 */
export const superDoorService = (plane: Placed): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataIn(plane),
  spec: {
    clusterIP: apiServerAddress(plane.slice),
    ipFamilyPolicy: 'SingleStack',
    ports: [{ name: 'https', port: 443, targetPort: apiServerPort }],
  },
})

/** Where that Service leads. */
export const superDoorEndpoints = (plane: Placed, { addresses, port }: DoorTarget): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: metadataIn(plane, {
    'kubernetes.io/service-name': superDoorName(plane.tenant.uid),
    'endpointslice.kubernetes.io/managed-by': berthDomain,
  }),
  addressType: 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  ports: [{ name: 'https', port, protocol: 'TCP' }],
})

/** Addresses, in order, and the port that they all have. */
export interface DoorTarget {
  readonly addresses: readonly string[]
  readonly port: number
}

export type Door =
  | ({ readonly kind: 'addresses' } & DoorTarget)
  /** Its addresses are to be asked for. */
  | { readonly kind: 'name'; readonly host: string; readonly port: number }
  | { readonly kind: 'unknown'; readonly reason: string; readonly message: string }

/** More nodes than that are no safer. */
const mostNodes = 5

const nodeAddresses = (nodes: readonly KubeObject[]): readonly string[] =>
  nodes
    .filter(({ status }) =>
      (status?.conditions ?? []).some(
        (each: { type?: string; status?: string }) => each.type === 'Ready' && each.status === 'True',
      ),
    )
    .flatMap(({ status }) => {
      const addresses = (status?.addresses ?? []) as { type: string; address: string }[]
      return addresses.find(({ type, address }) => type === 'InternalIP' && isIPv4(address))?.address ?? []
    })
    .toSorted()
    .slice(0, mostNodes)

const known = (addresses: readonly string[], port: number, empty: Extract<Door, { kind: 'unknown' }>): Door =>
  addresses.length > 0 ? { kind: 'addresses', addresses: [...new Set(addresses)].toSorted(), port } : empty

const unknown = (reason: string, message: string) => ({ kind: 'unknown', reason, message }) as const

/**
 * By which addresses super reaches a tenant's API server: its way in from outside, if it has one; else its pods themselves, which takes two clusters whose pods
 * reach each other. Pure.
 */
export const doorOf = ({
  plane,
  service,
  pods,
  nodes,
}: {
  readonly plane: Pick<Plane, 'spec' | 'hasServed'>
  /** The exposing Service, if it is there. */
  readonly service: KubeObject | undefined
  /** Pods of the API server. */
  readonly pods: readonly KubeObject[]
  /** Nodes of management. */
  readonly nodes: readonly KubeObject[]
}): Door => {
  const { type = 'ClusterIP', hostname, port } = plane.spec.apiServer.exposure ?? {}
  switch (type) {
    case 'ClusterIP': {
      if (hostname !== undefined) return { kind: 'name', host: hostname, port: port ?? 443 }
      const serving = pods.filter((pod) => (plane.hasServed ? hasReadyPod([pod]) : hasRunningContainer([pod])))
      const addresses = serving.map(({ status }) => String(status?.podIP ?? '')).filter((address) => isIPv4(address))
      return known(addresses, apiServerPort, unknown('Starting', 'no pod of the API server runs yet'))
    }
    case 'NodePort': {
      const nodePort = service?.spec?.ports?.[0]?.nodePort as number | undefined
      if (nodePort === undefined) return unknown('Starting', 'the Service of type NodePort has no port yet')
      return known(nodeAddresses(nodes), nodePort, unknown('NoNode', 'no node of management is ready and has an IPv4 address'))
    }
    case 'LoadBalancer': {
      const entries = (service?.status?.loadBalancer?.ingress ?? []) as { ip?: string; hostname?: string }[]
      const addresses = entries.flatMap(({ ip }) => (ip !== undefined && isIPv4(ip) ? [ip] : []))
      const name = entries.find((each) => each.hostname)?.hostname
      if (addresses.length === 0 && name !== undefined) return { kind: 'name', host: name, port: 443 }
      return known(addresses, 443, unknown('NoAddress', 'the load balancer has no IPv4 address yet'))
    }
  }
}
