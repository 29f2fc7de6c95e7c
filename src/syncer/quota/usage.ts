import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { amountOf, one } from './amounts.ts'
import { podUsage } from './pod-usage.ts'

const pieces = (count: number): bigint => BigInt(count) * one

interface Port {
  readonly nodePort?: number
}

/** Of a port of the nodes the wish counts: what is made just now has none yet (kubernetes pkg/quota/v1/evaluator/core/services.go). */
const nodePortsOf = (spec: KubeObject['spec']): number => {
  const ports: readonly Port[] = spec?.ports ?? []
  if (spec?.type === 'NodePort') return ports.length
  if (spec?.type !== 'LoadBalancer') return 0
  return spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length
}

const serviceUsage = ({ spec }: KubeObject): Map<string, bigint> =>
  new Map([
    ['count/services', one],
    ['services', one],
    ['services.nodeports', pieces(nodePortsOf(spec))],
    ['services.loadbalancers', pieces(spec?.type === 'LoadBalancer' ? 1 : 0)],
  ])

const wholeBytes = (amount: bigint): bigint => ((amount + one - 1n) / one) * one

/** While a claim is made smaller again after an expansion that failed, what was given to it counts (KEP-1790). */
const claimUsage = ({ metadata, spec, status }: KubeObject): Map<string, bigint> => {
  const usage = new Map([
    ['count/persistentvolumeclaims', one],
    ['persistentvolumeclaims', one],
  ])
  const asked = amountOf(spec?.resources?.requests?.storage)
  const given = amountOf(status?.allocatedResources?.storage) ?? 0n
  const storage = asked === undefined ? undefined : wholeBytes(asked > given ? asked : given)
  if (storage !== undefined) usage.set('requests.storage', storage)
  const name: string = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] || spec?.storageClassName || ''
  if (name !== '') {
    usage.set(`${name}.storageclass.storage.k8s.io/persistentvolumeclaims`, one)
    if (storage !== undefined) usage.set(`${name}.storageclass.storage.k8s.io/requests.storage`, storage)
  }
  return usage
}

/** Kinds that are counted under a name of their own as well. */
const ownNames: ReadonlySet<string> = new Set(['configmaps', 'secrets'])

/** `ingresses.networking.k8s.io` by the plural of a known kind; that of a declared kind has its group already. */
const groupNames: ReadonlyMap<string, string> = new Map(
  Object.values(resourceTypes).map(({ plural, group }) => [plural, group ? `${plural}.${group}` : plural]),
)

/** What an object of super counts for, by all names of a ResourceQuota. `kind`: its plural, with the group for declared kinds. */
export const usageOf = (kind: string, object: KubeObject, now: number): Map<string, bigint> => {
  switch (kind) {
    case 'pods':
      return podUsage(object, now)
    case 'services':
      return serviceUsage(object)
    case 'persistentvolumeclaims':
      return claimUsage(object)
    default:
      return new Map([[`count/${groupNames.get(kind) ?? kind}`, one], ...(ownNames.has(kind) ? [[kind, one] as const] : [])])
  }
}
