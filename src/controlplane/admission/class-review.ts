import { z } from 'zod'
import { resolveSpec, specInForce } from '../../apis/spec-in-force.ts'
import type { TenantClass } from '../../apis/tenant-class.ts'
import type { TenantControlPlane, TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { limitViolations, violationText } from '../classes/limits.ts'

const tenant = z.looseObject({
  metadata: z.looseObject({}).optional(),
  spec: z.looseObject({ className: z.string().min(1).max(63).optional() }),
})

/** The part of an AdmissionReview (admission.k8s.io/v1) that limits of a class are judged by. */
export const classReview = z.object({
  request: z.object({ uid: z.string().min(1).max(100), object: tenant, oldObject: tenant.nullish() }),
})
export type ClassReview = z.infer<typeof classReview>

const asTenant = (value: unknown): TenantControlPlane => value as TenantControlPlane

/** Of a field that is `a.b.c`: what a spec says there, as text. */
const textAt = (spec: unknown, field: string): string =>
  JSON.stringify(field.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], spec)) ??
  ''

/**
 * Why a tenant may not be stored as it is: what it says beyond the limits of its class that it did not say before. What it did say stays as it is, so that
 * a class whose limits were drawn closer holds up no other change.
 */
export const classRefusal = ({ request }: ClassReview, tenantClass: TenantClass | undefined): string | undefined => {
  const wanted = asTenant(request.object)
  const old = request.oldObject ? asTenant(request.oldObject) : undefined
  const { className } = wanted.spec
  // One that comes later is waited for; the manager says so.
  if (className === undefined || !tenantClass) return undefined
  const noted = old?.status?.class
  const defaults = noted?.name === className ? noted.defaults : (tenantClass.spec.defaults ?? {})
  const before = old?.status?.serviceSlice === undefined ? undefined : specInForce(old)
  const running = old?.status?.version
  const whole = (stored: unknown): TenantControlPlaneSpec => resolveSpec({ stored, defaults, before, running })
  const spec = whole(wanted.spec)
  const found = limitViolations({ spec, ofClass: whole({}) }, tenantClass.spec.limits)
  const isOfSameClass = old?.spec.className === className
  const was = old && isOfSameClass ? whole(old.spec) : undefined
  const isNew = ({ field }: { readonly field: string }) => was === undefined || textAt(was, field) !== textAt(spec, field)
  const violations = found.filter(isNew)
  return violations.length === 0 ? undefined : violationText(violations, className)
}
