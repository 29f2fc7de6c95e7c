import type { KubeObject } from '../apis/kube-object.ts'
import { gatewaysKey, grpcRoutesKey, httpRoutesKey } from './gateways/kinds.ts'
import { hostsOf } from './ingress-hosts.ts'

const listIn = (spec: unknown, field: string): readonly unknown[] => {
  const value = spec !== null && typeof spec === 'object' ? (spec as Record<string, unknown>)[field] : undefined
  return Array.isArray(value) ? value : []
}

const texts = (values: readonly unknown[]): readonly string[] => [...new Set(values.filter((value) => typeof value === 'string'))]

/** Hosts of a Gateway's listeners; one that names none takes all that nobody else claims. What is no listener claims nothing. */
const gatewayHosts = (spec: unknown): readonly string[] =>
  texts(
    listIn(spec, 'listeners').map((listener) =>
      listener !== null && typeof listener === 'object' ? ((listener as { hostname?: unknown }).hostname ?? '') : undefined,
    ),
  )

/** Hosts that a route names. One without any has those of the listeners that it hangs at, all of which are the tenant's own claims. */
const routeHosts = (spec: unknown): readonly string[] => texts(listIn(spec, 'hostnames'))

/** Kinds, by key, whose objects claim hosts in super, and which. Definitions of some are a tenant's to write: their objects may have any shape. */
const hostsByKind: ReadonlyMap<string, (spec: KubeObject['spec']) => readonly string[]> = new Map([
  ['ingresses', (spec) => hostsOf(spec ?? {})],
  [gatewaysKey, gatewayHosts],
  [httpRoutesKey, routeHosts],
  [grpcRoutesKey, routeHosts],
])

/** Keys of the kinds whose objects claim hosts. */
export const hostKinds: readonly string[] = [...hostsByKind.keys()]

/** Hosts that an object of a kind claims; none for kinds that claim no hosts. */
export const claimedHosts = (kind: string, { spec }: KubeObject): readonly string[] => hostsByKind.get(kind)?.(spec) ?? []
