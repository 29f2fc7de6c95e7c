import type { ConditionType } from '../apis/conditions.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { type TenantControlPlane, tenantControlPlaneSpec } from '../apis/tenant-control-plane.ts'
import type { RestoreStatus } from '../apis/tenant-status.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import type { Outcome } from '../runtime/controller.ts'
import { tenantFinalizer } from '../tenancy/marks.ts'
import type { Deps } from './deps.ts'
import { observe, refOf } from './observe.ts'
import type { RotationState } from './rotation-state.ts'
import { isRestoring } from './snapshots/restore-plan.ts'
import { isSameStatus, type StatusInput, statusOf, transitionsOf } from './status.ts'
import { removeTenant } from './steps/cleanup.ts'
import { layFoundation } from './steps/foundation.ts'
import { foundationStep, stepsFor } from './steps/index.ts'
import { isToRest, pauseRefusalOf, pauseSteps, restoreSteps } from './steps/pause.ts'
import { advanceRestore, restoreAfter } from './steps/restore.ts'
import { growSlices, recordSlice, type SliceLock, usedAddressesOf } from './steps/slice.ts'
import { type Round, runSteps, type Step, type StepResult } from './steps.ts'

/** How often a tenant that is well is looked at again: what no watch of the management cluster tells, such as a certificate's age or a silent syncer. */
const recheckMs = 25_000
/** The longest pause while something is awaited that a watch should tell: a lost event costs no more than this. */
const waitMs = 1000
/** While a restore holds the control plane at zero: most of what it waits for is told by no watch. */
const restoringMs = 500

const withFinalizer = async (tenant: TenantControlPlane, { kube, signal }: Deps): Promise<TenantControlPlane> => {
  const { finalizers = [], resourceVersion } = tenant.metadata
  if (finalizers.includes(tenantFinalizer)) return tenant
  const body = { metadata: { finalizers: [...finalizers, tenantFinalizer], resourceVersion } }
  return kube.patch(resourceTypes.tenantControlPlanes, { name: '', ...tenant.metadata }, body, { type: 'merge', signal })
}

const isDone = (results: readonly StepResult[], ...conditions: readonly ConditionType[]): boolean =>
  conditions.every((type) =>
    results.some((result) => result.step.condition === type && 'outcome' in result && result.outcome.kind === 'done'),
  )

const writeStatus = async (
  tenant: TenantControlPlane,
  told: Pick<StatusInput, 'results' | 'pauseRefusal' | 'restore' | 'rotation'> & { versionRuns?: boolean },
  deps: Deps,
): Promise<void> => {
  const { results, versionRuns = false, pauseRefusal, restore, rotation } = told
  const status = statusOf({ tenant, results, versionRuns, pauseRefusal, restore, rotation, now: deps.now() })
  if (isSameStatus(tenant.status, status)) return
  await deps.kube.replace(
    resourceTypes.tenantControlPlanes,
    { ...tenant, status },
    { subresource: 'status', signal: deps.signal },
  )
  const problems = new Set(
    results.flatMap((result) =>
      result.step.condition && ('error' in result || (result.outcome.kind === 'wait' && result.outcome.problem))
        ? [result.step.condition]
        : [],
    ),
  )
  if (pauseRefusal !== undefined) problems.add('Paused')
  if (restore?.phase === 'Failed') problems.add('Restoring')
  if (rotation?.reason === 'RotationRefused') problems.add('RotatingCA')
  for (const transition of transitionsOf(tenant.status?.conditions ?? [], status.conditions ?? [], problems))
    deps.tell(tenant, transition)
}

const outcomeOf = (results: readonly StepResult[]): Outcome => {
  const failed = results.find((result) => 'error' in result)
  if (failed) {
    // What only a person can mend is in the conditions; it is looked at again, as no watch tells that it was mended.
    const { error } = failed
    if (error instanceof AppError && error.policy.retry === 'never') {
      return { kind: 'wait', reason: error.code, message: error.message, retryAfterMs: recheckMs }
    }
    throw error
  }
  const waits = results.flatMap((result) => ('outcome' in result && result.outcome.kind === 'wait' ? [result.outcome] : []))
  const first = waits[0]
  if (!first) return { kind: 'wait', reason: 'Usable', retryAfterMs: recheckMs * (0.9 + Math.random() * 0.2) }
  // What serves meanwhile may take long, an address of a load balancer for one: it says itself how soon to look.
  const pauses = waits.map(({ serves, retryAfterMs = waitMs }) => (serves ? retryAfterMs : Math.min(waitMs, retryAfterMs)))
  const retryAfterMs = Math.min(...pauses)
  return { kind: 'wait', reason: first.reason, message: first.message, retryAfterMs }
}

const stepsOfRound = (
  round: Round,
  { restore, pauseRefusal }: { restore: RestoreStatus | undefined; pauseRefusal: string | undefined },
): readonly Step[] => {
  if (isRestoring(restore)) return [foundationStep, ...restoreSteps]
  return pauseRefusal === undefined && isToRest(round)
    ? [foundationStep, ...pauseSteps]
    : stepsFor(round.tenant.spec.dataStore.kind)
}

/** The outcome, with another look after `retryAfterMs` at the latest. */
const sooner = (outcome: Outcome, retryAfterMs: number | undefined): Outcome =>
  retryAfterMs === undefined || outcome.kind !== 'wait'
    ? outcome
    : { ...outcome, retryAfterMs: Math.min(retryAfterMs, outcome.retryAfterMs ?? retryAfterMs) }

const runRound = async (recorded: TenantControlPlane, deps: Deps & { readonly lock: SliceLock }): Promise<Outcome> => {
  let tenant = recorded
  const slice = tenant.status?.serviceSlice
  if (slice === undefined) throw new AppError('SPEC_INVALID', 'the tenant has no slice', {})
  let results: readonly StepResult[]
  let pauseRefusal: string | undefined
  let restore = tenant.status?.restore
  let rotation: RotationState | undefined
  try {
    const observed = await observe(tenant, deps)
    tenant = await growSlices(tenant, usedAddressesOf(observed.syncerLease), deps)
    const foundation = await layFoundation(tenant, slice, observed, deps)
    const round: Round = { tenant, ref: refOf(tenant), ...foundation, observed, now: deps.now() }
    rotation = foundation.rotation
    pauseRefusal = pauseRefusalOf(round)
    restore = await advanceRestore(round, deps)
    results = await runSteps(stepsOfRound(round, { restore, pauseRefusal }), round, deps)
    restore = restoreAfter(restore, results, round)
  } catch (error) {
    results = [{ step: foundationStep, error }]
  }
  const versionRuns = isDone(results, 'APIServerReady', 'ControllerManagerReady')
  await writeStatus(tenant, { results, versionRuns, pauseRefusal, restore, rotation }, deps)
  const outcome = sooner(outcomeOf(results), rotation?.retryAfterMs)
  return isRestoring(restore) ? sooner(outcome, restoringMs) : outcome
}

/** The slice comes before all else; when there is none to be had, that is told like any other trouble. */
const withSlice = async (tenant: TenantControlPlane, deps: Deps & { lock: SliceLock }): Promise<TenantControlPlane> => {
  try {
    return await recordSlice(tenant, deps)
  } catch (error) {
    if (hasCode(error, 'SLICE_EXHAUSTED')) await writeStatus(tenant, { results: [{ step: foundationStep, error }] }, deps)
    throw error
  }
}

/**
 * Brings one tenant's control plane to what its spec says, from whatever is there: identity first (finalizer and slice, recorded before anything uses
 * them), then one look at everything, keys and fences, the steps, one status. Can be cut off anywhere and be run again.
 */
export const reconcileTenant = async (
  ref: { readonly namespace: string; readonly name: string },
  deps: Deps & { readonly lock: SliceLock },
): Promise<Outcome> => {
  const stored = await deps.kube.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, ref, { signal: deps.signal })
  if (!stored) return { kind: 'done' }
  if (stored.metadata.deletionTimestamp) return removeTenant(stored, deps)
  // Objects stored before a field came to be lack its default.
  const tenant = { ...stored, spec: tenantControlPlaneSpec.parse(stored.spec) }
  return runRound(await withSlice(await withFinalizer(tenant, deps), deps), deps)
}
