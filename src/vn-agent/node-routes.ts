import { type MetricsPath, metricRules } from './metric-rules.ts'

/** What of a node's kubelet is read, filtered to the tenant's own. */
export type NodeRead =
  | { readonly kind: 'metrics'; readonly path: MetricsPath }
  | { readonly kind: 'summary' }
  | { readonly kind: 'pods'; readonly running: boolean }
  | { readonly kind: 'health' }

export interface NodeRoute {
  readonly read: NodeRead
  /** Subresources of Node of which a bearer token needs one, as the kubelet of Kubernetes 1.37 has them (its authorizer's attributes). */
  readonly subresources: readonly string[]
}

const metrics = (Object.keys(metricRules) as MetricsPath[]).map((path): [string, NodeRoute] => [
  path,
  { read: { kind: 'metrics', path }, subresources: ['metrics'] },
])

const routes: ReadonlyMap<string, NodeRoute> = new Map<string, NodeRoute>([
  ...metrics,
  ['/stats/summary', { read: { kind: 'summary' }, subresources: ['stats'] }],
  ['/pods', { read: { kind: 'pods', running: false }, subresources: ['pods', 'proxy'] }],
  ['/runningpods', { read: { kind: 'pods', running: true }, subresources: ['pods', 'proxy'] }],
  ['/healthz', { read: { kind: 'health' }, subresources: ['healthz', 'proxy'] }],
])

/** The read of a request line; undefined for everything else. A query changes nothing here and is not passed on. */
export const nodeRoute = (method: string, url: string): NodeRoute | undefined => {
  if (method !== 'GET') return undefined
  const path = url.slice(0, 200).split('?', 1)[0] ?? ''
  return routes.get(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)
}
