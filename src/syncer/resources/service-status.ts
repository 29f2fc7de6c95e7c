import type { KubeObject } from '../../apis/kube-object.ts'
import { carriedStatusAnnotation } from '../../tenancy/marks.ts'
import type { TenantWrite } from '../resource.ts'
import { mergePatch, sameJson } from './merge-patch.ts'

interface ServiceCondition {
  readonly type: string
  readonly observedGeneration?: number
}

/** Parts of a Service's status by name: its load balancer, and each of its conditions. */
type Parts = Readonly<Record<string, unknown>>

const balancer = 'loadBalancer'

const conditionsOf = ({ status }: KubeObject): readonly ServiceCondition[] => (status?.conditions ?? []) as ServiceCondition[]

/** What super's controllers say. Generations of the super object mean nothing to the tenant. */
const partsOf = (superService: KubeObject): Parts => {
  const { loadBalancer } = superService.status ?? {}
  const conditions = conditionsOf(superService).map(({ observedGeneration: _super, ...condition }) => condition)
  return {
    ...(loadBalancer?.ingress?.length > 0 && { [balancer]: loadBalancer }),
    ...Object.fromEntries(conditions.map((condition) => [condition.type, condition])),
  }
}

/**
 * Brings up what super's controllers say of a load balancer. What came from super is remembered at the tenant's Service: it goes when super takes it back,
 * while what a controller inside the tenant wrote is left alone.
 */
export const statusWrites = (superService: KubeObject, tenantService: KubeObject): readonly TenantWrite[] => {
  const text = tenantService.metadata.annotations?.[carriedStatusAnnotation]
  if (tenantService.spec?.type !== 'LoadBalancer') {
    // The API server has emptied the status with the change of the type.
    return text === undefined ? [] : [{ kind: 'patch', body: { metadata: { annotations: { [carriedStatusAnnotation]: null } } } }]
  }
  const carried = text ? text.split(',') : []
  const parts = partsOf(superService)
  const names = Object.keys(parts).toSorted()
  if (carried.length === 0 && names.length === 0) return []

  const isOurs = (name: string): boolean => carried.includes(name) || name in parts
  const before = tenantService.status ?? {}
  const loadBalancer = isOurs(balancer) ? (parts[balancer] ?? {}) : (before.loadBalancer ?? {})
  const conditions = [
    ...conditionsOf(tenantService).filter(({ type }) => !isOurs(type)),
    ...names.filter((name) => name !== balancer).map((name) => parts[name]),
  ]
  const patch = mergePatch(before.loadBalancer ?? {}, loadBalancer)
  const status = {
    ...(patch !== undefined && { loadBalancer: patch }),
    ...(!sameJson(before.conditions ?? [], conditions) && { conditions }),
  }
  const mark = names.join(',') || null
  if (Object.keys(status).length === 0 && (text ?? null) === mark) return []
  return [{ kind: 'status', status, annotations: { [carriedStatusAnnotation]: mark } }]
}
