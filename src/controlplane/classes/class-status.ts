import { type Condition, setCondition } from '../../apis/conditions.ts'
import type { TenantClass, TenantClassStatus } from '../../apis/tenant-class.ts'
import type { RolloutPlan } from './next-wave.ts'

/** Of what a class is told of: by its rollout, or of its deletion. */
export interface ClassStand {
  readonly plan: RolloutPlan
  readonly tenants: number
  readonly updatedRevision: string
  /** Why nobody is changed: the class contradicts itself. */
  readonly contradiction: string | undefined
  /** Names of tenants that hold up its deletion; undefined when it is not being deleted. */
  readonly inUse: readonly string[] | undefined
}

type ClassCondition = Omit<Condition<string>, 'lastTransitionTime' | 'observedGeneration'>

const progressing = ({ plan, contradiction }: ClassStand): ClassCondition => {
  const isGoing = plan.state === 'Progressing' && contradiction === undefined
  const reason = contradiction === undefined ? plan.state : 'LimitsContradicted'
  return { type: 'Progressing', status: isGoing ? 'True' : 'False', reason, message: contradiction ?? plan.message }
}

const degraded = ({ plan, contradiction }: ClassStand): ClassCondition => {
  if (contradiction !== undefined)
    return { type: 'Degraded', status: 'True', reason: 'LimitsContradicted', message: contradiction }
  return plan.state === 'Stopped'
    ? { type: 'Degraded', status: 'True', reason: 'TenantFailed', message: plan.message }
    : { type: 'Degraded', status: 'False', reason: 'AsExpected', message: 'no tenant has failed at a change' }
}

const deleting = (names: readonly string[]): ClassCondition => {
  const some = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
  const message = `not deleted while tenants name it: ${some}. Delete them, or name another class in their spec.className`
  return { type: 'Deleting', status: 'True', reason: 'InUse', message }
}

/** The status of a class from the one before it. Pure; equal input gives an equal status. */
export const classStatusOf = (
  { metadata, status }: Pick<TenantClass, 'metadata' | 'status'>,
  stand: ClassStand,
  now: Date,
): TenantClassStatus => {
  const { plan, tenants, updatedRevision, inUse } = stand
  const observedGeneration = metadata.generation ?? 0
  const wanted = [progressing(stand), degraded(stand), ...(inUse ? [deleting(inUse)] : [])]
  let conditions = ((status?.conditions ?? []) as readonly Condition<string>[]).filter(({ type }) =>
    wanted.some((condition) => condition.type === type),
  ) as readonly Condition<string>[]
  for (const condition of wanted) {
    const message = condition.message.slice(0, 4000)
    conditions = setCondition(conditions, { ...condition, message, observedGeneration }, now)
  }
  const currentRevision = plan.state === 'Complete' && plan.adopt.length === 0 ? updatedRevision : status?.currentRevision
  return {
    observedGeneration,
    tenants,
    updatedTenants: plan.updated.length,
    readyTenants: plan.ready.length,
    failedTenants: plan.failed.length,
    updatedRevision,
    ...(currentRevision !== undefined && { currentRevision }),
    conditions: [...conditions],
  }
}
