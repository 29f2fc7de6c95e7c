import { cloneNeedsStore } from '../../apis/clone.ts'
import type { Condition } from '../../apis/conditions.ts'
import { resolveSpec, specInForce } from '../../apis/spec-in-force.ts'
import type { TenantClass } from '../../apis/tenant-class.ts'
import type { TenantControlPlane, TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import type { TenantControlPlaneStatus } from '../../apis/tenant-status.ts'
import { heldBack, limitViolations, violationText } from './limits.ts'
import type { ClassRevision } from './revisions.ts'

type ClassStatus = NonNullable<TenantControlPlaneStatus['class']>
export type ClassCondition = Pick<Condition, 'status' | 'reason' | 'message'>

/** A tenant with the spec that is in force, and what its class has to say. */
export type Applied =
  /** It has no class. */
  | { readonly kind: 'none'; readonly tenant: TenantControlPlane }
  /** As its class says, or, where the condition is False, as far as that goes. */
  | { readonly kind: 'applied'; readonly tenant: TenantControlPlane; readonly condition: ClassCondition }
  /** Nothing is made of it yet, and nothing can be. */
  | { readonly kind: 'refused'; readonly tenant: TenantControlPlane; readonly condition: ClassCondition }

/** A class as it was read. */
export interface ReadClass {
  readonly tenantClass: TenantClass | undefined
  /** The one that the tenant was told. */
  readonly revision: ClassRevision | undefined
}

const withClass = (tenant: TenantControlPlane, spec: TenantControlPlaneSpec, status: Omit<ClassStatus, 'spec'>) => ({
  ...tenant,
  spec,
  // As it is stored: what has no value is not there.
  status: { ...tenant.status, class: JSON.parse(JSON.stringify({ ...status, spec })) as ClassStatus },
})

/** With the size that the disks have: one that could not be had was never in force, and may be taken back. */
const withDiskSize = (spec: TenantControlPlaneSpec, { status }: TenantControlPlane): TenantControlPlaneSpec => {
  const { kind, storageSize } = status?.dataStore ?? {}
  const isOwn = kind === 'dedicated' && spec.dataStore.kind === 'dedicated' && storageSize !== undefined
  return isOwn ? { ...spec, dataStore: { ...spec.dataStore, storageSize } } : spec
}

/** What was in force last; undefined for a tenant of which nothing is made. Never throws: it may be of an older Berth. */
const beforeOf = (tenant: TenantControlPlane): TenantControlPlaneSpec | undefined => {
  const { spec, status } = tenant
  if (status?.class) return withDiskSize(specInForce(tenant), tenant)
  if (status?.serviceSlice === undefined) return undefined
  return withDiskSize(specInForce({ ...tenant, spec: { ...spec, className: undefined } }), tenant)
}

/** What is no plan's business: it holds also while nobody knows the plan. */
const ownWords = (tenant: TenantControlPlane): Partial<TenantControlPlaneSpec> => {
  const { className, state, certificates, restore } = resolveSpec({ stored: tenant.spec, defaults: {} })
  return { className, state, certificates, restore }
}

/** Goes on as it was, or, when nothing was made yet, not at all. */
const without = (tenant: TenantControlPlane, before: TenantControlPlaneSpec | undefined, condition: ClassCondition): Applied => {
  if (!before) {
    const spec = resolveSpec({ stored: tenant.spec, defaults: {}, running: tenant.status?.version })
    return { kind: 'refused', tenant: { ...tenant, spec }, condition }
  }
  const { name = tenant.spec.className ?? '', ...kept } = tenant.status?.class ?? { defaults: {} }
  const spec = { ...before, ...ownWords(tenant) }
  return { kind: 'applied', tenant: withClass(tenant, spec, { ...kept, name }), condition }
}

const missing = (className: string): ClassCondition => ({
  status: 'False',
  reason: 'ClassMissing',
  message: `there is no TenantClass ${className}: create it, or name another one in spec.className. What runs goes on as it was`,
})

const pending = (className: string): ClassCondition => ({
  status: 'False',
  reason: 'RevisionPending',
  message: `waits for TenantClass ${className} to give the tenant a revision; kubectl describe tclass ${className} tells more`,
})

/** A tenant that says its store itself is refused by the API server; a class is asked for nothing there. */
const cloneRefusal = ({ cloneFrom, dataStore }: TenantControlPlaneSpec, className: string): ClassCondition | undefined =>
  cloneFrom === undefined || dataStore.kind === 'dedicated'
    ? undefined
    : {
        status: 'False',
        reason: 'CloneRefused',
        message: `${cloneNeedsStore}. TenantClass ${className} says ${dataStore.kind}: make the tenant with a kind of its own, and move it later`,
      }

/**
 * The spec that is in force of a stored tenant, with what is noted of it in status. A tenant whose class is not there, or that asks for what is beyond its
 * limits, goes on as it was in that, and a new one is not made. Throws for what the schema does not know of what the tenant itself says. Pure.
 */
export const applyClass = (tenant: TenantControlPlane, { tenantClass, revision }: ReadClass): Applied => {
  const { className } = tenant.spec ?? {}
  const running = tenant.status?.version
  if (className === undefined) {
    const { class: _, ...status } = tenant.status ?? {}
    const spec = resolveSpec({ stored: tenant.spec, defaults: {}, running })
    return { kind: 'none', tenant: { ...tenant, spec, ...(tenant.status && { status }) } }
  }
  const before = beforeOf(tenant)
  if (!tenantClass) return without(tenant, before, missing(className))
  if (!revision) return without(tenant, before, pending(className))

  const { defaults, sizes } = revision.data
  const wanted = resolveSpec({ stored: tenant.spec, defaults, before, running })
  const refusal = before ? undefined : cloneRefusal(wanted, className)
  if (refusal) return { kind: 'refused', tenant: { ...tenant, spec: wanted }, condition: refusal }
  const ofClass = resolveSpec({ stored: {}, defaults, before, running })
  const violations = limitViolations({ spec: wanted, ofClass }, tenantClass.spec.limits)
  const noted = { name: className, revision: revision.metadata.name ?? '', defaults: { ...defaults }, ...(sizes && { sizes }) }
  if (violations.length === 0) {
    const message = `revision ${noted.revision} of TenantClass ${className}`
    return {
      kind: 'applied',
      tenant: withClass(tenant, wanted, noted),
      condition: { status: 'True', reason: 'Applied', message },
    }
  }
  const message = violationText(violations, className).slice(0, 4000)
  const condition = { status: 'False', reason: 'LimitExceeded', message } as const
  if (!before) return { kind: 'refused', tenant: { ...tenant, spec: wanted }, condition }
  return { kind: 'applied', tenant: withClass(tenant, heldBack(wanted, violations, before), noted), condition }
}
