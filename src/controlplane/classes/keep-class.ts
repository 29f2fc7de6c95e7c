import { ZodError } from 'zod'
import { invalidFields } from '../../apis/invalid-fields.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { resolveSpec } from '../../apis/spec-in-force.ts'
import { type TenantClass, tenantClassSpec } from '../../apis/tenant-class.ts'
import type { TenantControlPlane, TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { hasCode } from '../../lib/errors.ts'
import type { Outcome } from '../../runtime/controller.ts'
import { classFinalizer, classLabel, classMovedAtAnnotation, classRevisionAnnotation } from '../../tenancy/marks.ts'
import { systemNamespace } from '../../tenancy/names.ts'
import { allOf, hashOf } from '../apply.ts'
import type { Deps } from '../deps.ts'
import { classStatusOf } from './class-status.ts'
import { limitViolations } from './limits.ts'
import { nextWave, type RolloutPlan, type TenantView } from './next-wave.ts'
import { type ClassRevision, revisionAction, revisionDataOf, surplusRevisions } from './revisions.ts'
import { tenantView } from './tenant-view.ts'

export type ClassDeps = Pick<Deps, 'kube' | 'signal' | 'now' | 'log'> & {
  /** All tenants, perhaps as they were a moment ago. */
  readonly tenants: () => readonly TenantControlPlane[]
  /** Tells people about a TenantClass, as a Kubernetes Event. */
  readonly tell: (tenantClass: TenantClass, event: { type: 'Normal' | 'Warning'; reason: string; message: string }) => void
}

const type = resourceTypes.tenantClasses
const revisions = resourceTypes.controllerRevisions

/** The rest is for tenants, and an older Berth may have known other words there. */
const rolloutFields = tenantClassSpec.pick({ rollout: true, revisionHistoryLimit: true })

const usersOf = (tenants: readonly TenantControlPlane[], name: string): readonly TenantControlPlane[] =>
  tenants.filter(({ metadata, spec }) => spec?.className === name && metadata.deletionTimestamp === undefined)

const setFinalizer = async (
  { metadata }: TenantClass,
  isWanted: boolean,
  { kube, signal }: ClassDeps,
): Promise<TenantClass | undefined> => {
  const { finalizers = [], resourceVersion, name = '' } = metadata
  if (finalizers.includes(classFinalizer) === isWanted) return undefined
  const others = finalizers.filter((each) => each !== classFinalizer)
  const body = { metadata: { finalizers: isWanted ? [...others, classFinalizer] : others, resourceVersion } }
  return kube.patch<TenantClass>(type, { name }, body, { type: 'merge', signal })
}

const listRevisions = async (name: string, { kube, signal }: ClassDeps): Promise<readonly ClassRevision[]> =>
  (await kube.list<ClassRevision>(revisions, { namespace: systemNamespace, labelSelector: `${classLabel}=${name}`, signal }))
    .items

const deleteRevisions = async (names: readonly string[], { kube, signal }: ClassDeps): Promise<void> => {
  for (const name of names) await kube.delete(revisions, { name, namespace: systemNamespace }, { signal })
}

/** Makes the newest revision be the class as it is now, and gives it. */
const keepRevision = async (
  tenantClass: TenantClass,
  known: readonly ClassRevision[],
  { kube, signal }: ClassDeps,
): Promise<ClassRevision> => {
  const { kind, updated } = revisionAction(tenantClass, known)
  if (kind === 'create') return kube.create(revisions, updated, { signal })
  if (kind === 'renumber') {
    const { name = '' } = updated.metadata
    const body = { revision: updated.revision }
    return kube.patch<ClassRevision>(revisions, { name, namespace: systemNamespace }, body, { type: 'merge', signal })
  }
  return updated
}

/** Why nobody can be brought to a class: what it says itself is beyond its own limits, or nothing that this Berth knows. */
const contradictionOf = (tenantClass: TenantClass): string | undefined => {
  let ofClass: TenantControlPlaneSpec
  try {
    ofClass = resolveSpec({ stored: {}, defaults: revisionDataOf(tenantClass).defaults })
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    return `spec.defaults: ${invalidFields(error)}. Change it: no tenant can be brought there`
  }
  const violations = limitViolations({ spec: ofClass, ofClass }, tenantClass.spec.limits)
  const texts = violations.map(
    ({ field, value, limit }) => `spec.defaults.${field} is ${String(value)}, and spec.limits allows ${limit}`,
  )
  return texts.length === 0
    ? undefined
    : `${texts.join('; ')}: tenants that do not say it themselves are refused. Change one of them`
}

/** Tells tenants their revision. Guarded by UID only: the word is the same whatever else is said of the tenant meanwhile. */
const tell = async (
  views: readonly TenantView[],
  annotations: Readonly<Record<string, string | null>>,
  users: readonly TenantControlPlane[],
  { kube, signal }: ClassDeps,
): Promise<void> => {
  const uids = new Map(users.map(({ metadata }) => [`${metadata.namespace}/${metadata.name}`, metadata.uid]))
  await allOf(
    views.map(async ({ key }) => {
      const [namespace = '', name = ''] = key.split('/')
      const body = { metadata: { uid: uids.get(key), annotations } }
      try {
        await kube.patch(resourceTypes.tenantControlPlanes, { name, namespace }, body, { type: 'merge', signal })
      } catch (error) {
        // It is gone, or another one of its name: there is an event of that.
        if (!hasCode(error, 'KUBE_NOT_FOUND', 'KUBE_CONFLICT')) throw error
      }
    }),
  )
}

const writeStatus = async (
  tenantClass: TenantClass,
  stand: Parameters<typeof classStatusOf>[1],
  deps: ClassDeps,
): Promise<void> => {
  const status = classStatusOf(tenantClass, stand, deps.now())
  if (hashOf(tenantClass.status ?? {}) === hashOf(status)) return
  await deps.kube.replace(type, { ...tenantClass, status }, { subresource: 'status', signal: deps.signal })
  const before = tenantClass.status?.conditions ?? []
  for (const { type: name, reason, message } of status.conditions ?? []) {
    const told = before.find((condition) => condition.type === name)?.reason
    if (told === reason || name === 'Progressing') continue
    if (name === 'Degraded' && reason === 'AsExpected' && told === undefined) continue
    deps.tell(tenantClass, { type: reason === 'AsExpected' ? 'Normal' : 'Warning', reason, message })
  }
}

/** What is to be done now. Decided from memory first; whoever would be changed by that is looked at again as it is stored. */
const planOf = async (
  name: string,
  decide: (users: readonly TenantControlPlane[]) => RolloutPlan,
  { kube, signal, tenants }: ClassDeps,
): Promise<{ readonly users: readonly TenantControlPlane[]; readonly plan: RolloutPlan }> => {
  const users = usersOf(tenants(), name)
  const plan = decide(users)
  if (plan.move.length === 0) return { users, plan }
  const { items } = await kube.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, { signal })
  const fresh = usersOf(items, name)
  return { users: fresh, plan: decide(fresh) }
}

/** Keeps one TenantClass: its revisions, who is at which of them, its status, and that it is there as long as tenants name it. Can be cut off anywhere. */
export const keepClass = async (name: string, deps: ClassDeps): Promise<Outcome> => {
  const { kube, signal, now } = deps
  const read = await kube.get<TenantClass>(type, { name }, { signal })
  if (!read) return { kind: 'done' }
  const isDeleted = read.metadata.deletionTimestamp !== undefined
  if (isDeleted) {
    // Nobody is forgotten: what is removed now is not from memory. Those that are being deleted need it no more.
    const { items } = await kube.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, { signal })
    if (usersOf(items, name).length === 0) {
      const known = await listRevisions(name, deps)
      await deleteRevisions(
        known.map(({ metadata }) => metadata.name ?? ''),
        deps,
      )
      await setFinalizer(read, false, deps)
      return { kind: 'done' }
    }
  }
  const tenantClass = (isDeleted ? undefined : await setFinalizer(read, true, deps)) ?? read
  const known = await listRevisions(name, deps)
  const newest = await keepRevision(tenantClass, known, deps)
  const updated = newest.metadata.name ?? ''
  const { rollout, revisionHistoryLimit } = rolloutFields.parse(tenantClass.spec)
  const contradiction = contradictionOf(tenantClass)
  const knownNames = new Set([updated, ...known.map(({ metadata }) => metadata.name ?? '')])
  const decide = (users: readonly TenantControlPlane[]): RolloutPlan => {
    const tenants = users.map((tenant) => tenantView(tenant, { className: name, known: knownNames }))
    const paused = rollout.paused || contradiction !== undefined
    return nextWave({
      tenants,
      updated,
      current: tenantClass.status?.currentRevision,
      rollout: { ...rollout, paused },
      now: now(),
    })
  }
  const { users, plan } = await planOf(name, decide, deps)
  await tell(plan.adopt, { [classRevisionAnnotation]: updated, [classMovedAtAnnotation]: null }, users, deps)
  await tell(plan.settle, { [classMovedAtAnnotation]: null }, users, deps)
  const movedAt = now().toISOString()
  await tell(plan.move, { [classRevisionAnnotation]: updated, [classMovedAtAnnotation]: movedAt }, users, deps)
  for (const { key } of plan.move)
    deps.log.info({ tenant: key, revision: updated }, 'a tenant is moved to another revision of its class')

  const inUse = isDeleted ? users.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`) : undefined
  await writeStatus(tenantClass, { plan, tenants: users.length, updatedRevision: updated, contradiction, inUse }, deps)
  const used = new Set([
    updated,
    tenantClass.status?.currentRevision,
    ...users.flatMap(({ metadata, status }) => [metadata.annotations?.[classRevisionAnnotation], status?.class?.revision]),
  ])
  await deleteRevisions(surplusRevisions([...known, newest], used, revisionHistoryLimit), deps)
  const retry = plan.lookAgainMs === undefined ? {} : { retryAfterMs: plan.lookAgainMs + 100 }
  return { kind: 'wait', reason: plan.state, message: plan.message, ...retry }
}
