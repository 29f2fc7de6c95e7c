import { ZodError } from 'zod'
import type { ConditionType } from '../apis/conditions.ts'
import { invalidFields } from '../apis/invalid-fields.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { inForce } from '../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { RestoreStatus } from '../apis/tenant-status.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import type { Outcome } from '../runtime/controller.ts'
import { isolationSettings } from '../tenancy/isolation.ts'
import { tenantFinalizer } from '../tenancy/marks.ts'
import type { UsedAddresses } from '../tenancy/slices.ts'
import type { Applied, ClassCondition } from './classes/apply-class.ts'
import { readApplied } from './classes/read-class.ts'
import { withStoreInForce } from './data-stores/in-force.ts'
import type { Deps } from './deps.ts'
import { isHeldByMove, isMoving } from './moves/move-plan.ts'
import { observe, quotaOf, refOf } from './observe.ts'
import type { RotationState } from './rotation-state.ts'
import { backupProof } from './snapshots/drill-schedule.ts'
import { cloneRequest, isRestoring, isToBeCloned } from './snapshots/restore-plan.ts'
import { isSameStatus, type StatusInput, statusOf, transitionsOf } from './status.ts'
import { removeTenant } from './steps/cleanup.ts'
import { type DiskState, heldDisks, triedDisks } from './steps/disks.ts'
import { layFoundation } from './steps/foundation.ts'
import { foundationStep, stepsFor } from './steps/index.ts'
import { advanceMove, moveAfter, type StoreState } from './steps/move.ts'
import { isToRest, moveSteps, pauseRefusalOf, pauseSteps, restoreSteps } from './steps/pause.ts'
import { withRecordedStore } from './steps/recorded-store.ts'
import { advanceRestore, claimsOf, restoreAfter } from './steps/restore.ts'
import { growSlices, recordSlice, type SliceLock, usedAddressesOf } from './steps/slice.ts'
import { closedDoor } from './steps/super-door.ts'
import { triedUpgrade, upgradeRetryMs } from './steps/upgrade.ts'
import { type Round, runSteps, type Step, type StepResult } from './steps.ts'
import { silences, superOfTenant } from './super-cluster.ts'
import { withVersionInForce } from './upgrades/version-in-force.ts'

/** How often a tenant that is well is looked at again: what no watch of the management cluster tells, such as a certificate's age or a silent syncer. */
const recheckMs = 25_000
/** The longest pause while something is awaited that a watch should tell: a lost event costs no more than this. */
const waitMs = 1000
/** While a restore or a move holds the control plane at zero: most of what it waits for is told by no watch. */
const restoringMs = 500
/** While a snapshot that a tenant is to begin with is not to be had: its Secret, its key or itself may come. */
const cloneAgainMs = 5000

/** While super is away or is another cluster than before: no watch tells that it is back. */
const superAgainMs = 5000

const withFinalizer = async (tenant: TenantControlPlane, { kube, signal }: Deps): Promise<TenantControlPlane> => {
  const { finalizers = [], resourceVersion } = tenant.metadata
  if (finalizers.includes(tenantFinalizer)) return tenant
  const body = { metadata: { finalizers: [...finalizers, tenantFinalizer], resourceVersion } }
  const ref = { name: '', ...tenant.metadata }
  const { metadata } = await kube.patch<TenantControlPlane>(resourceTypes.tenantControlPlanes, ref, body, {
    type: 'merge',
    signal,
  })
  // The answer's spec is as stored, not the one that is in force.
  return { ...tenant, metadata }
}

const isDone = (results: readonly StepResult[], ...conditions: readonly ConditionType[]): boolean =>
  conditions.every((type) =>
    results.some((result) => result.step.condition === type && 'outcome' in result && result.outcome.kind === 'done'),
  )

/** Phases of an upgrade that people are warned of. */
const troublesome: ReadonlySet<string> = new Set(['Blocked', 'GoingBack', 'RestoringData', 'Failed'])

const writeStatus = async (
  tenant: TenantControlPlane,
  told: Pick<
    StatusInput,
    'results' | 'pauseRefusal' | 'restore' | 'rotation' | 'classCondition' | 'upgrade' | 'store' | 'disks' | 'quota'
  > & {
    versionRuns?: boolean
  },
  deps: Deps,
): Promise<void> => {
  const { results, versionRuns = false, ...others } = told
  const { pauseRefusal, restore, rotation, upgrade, store, classCondition } = others
  const now = deps.now()
  const snapshots = deps.snapshots()
  const proof = snapshots ? backupProof(tenant, snapshots, now) : 'unknown'
  const isApart = isolationSettings(tenant.spec.isolation).network.apart
  const enforcement = isApart ? (deps.enforcement() ?? 'unknown') : undefined
  const runTrouble = deps.runTrouble(tenant)
  const status = statusOf({ tenant, results, versionRuns, ...others, proof, enforcement, runTrouble, now })
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
  if (classCondition?.status === 'False' && classCondition.reason !== 'RevisionPending') problems.add('ClassApplied')
  if (pauseRefusal !== undefined) problems.add('Paused')
  if (restore?.phase === 'Failed') problems.add('Restoring')
  if (upgrade && troublesome.has(upgrade.phase)) problems.add('Upgrading')
  if (store?.move?.phase === 'Failed' || store?.move?.isRefused) problems.add('Moving')
  if (others.disks?.condition?.status === 'False') problems.add('Growing')
  if (typeof proof === 'object' && proof.condition.status === 'False') problems.add('BackupProven')
  if (typeof enforcement === 'object' && enforcement.status === 'False') problems.add('NetworkPolicyEnforced')
  // What is only awaited, or at rest with its tenant, is no trouble.
  const verified = status.conditions?.find(({ type }) => type === 'IsolationVerified')
  if (verified?.status === 'False' || runTrouble) problems.add('IsolationVerified')
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
  const pauses = waits.map(({ serves, isTold, retryAfterMs = waitMs }) =>
    serves || isTold ? retryAfterMs : Math.min(waitMs, retryAfterMs),
  )
  const retryAfterMs = Math.min(...pauses)
  return { kind: 'wait', reason: first.reason, message: first.message, retryAfterMs }
}

const atRest = (steps: readonly Step[], { plane }: Round): readonly Step[] => (plane.isApart ? [...steps, closedDoor] : steps)

const stepsOfRound = (
  round: Round,
  told: { restore: RestoreStatus | undefined; store: StoreState; pauseRefusal: string | undefined },
): readonly Step[] => {
  const { restore, store, pauseRefusal } = told
  // A tenant that is to begin with a snapshot never runs without its data.
  const waitsForData = isToBeCloned(round.tenant, claimsOf(round)) && restore?.loadedAt === undefined
  if (isRestoring(restore) || (waitsForData && round.tenant.spec.state === 'Running'))
    return [foundationStep, ...atRest(restoreSteps, round)]
  // Also in the round in which it ends: the round is of the data store before.
  if (isHeldByMove(store.move) || isHeldByMove(round.tenant.status?.move)) return [foundationStep, ...atRest(moveSteps, round)]
  return pauseRefusal === undefined && isToRest(round)
    ? [foundationStep, ...atRest(pauseSteps, round)]
    : stepsFor(round.tenant.spec.dataStore.kind, round.plane.isApart)
}

/** The outcome, with another look after `retryAfterMs` at the latest. */
const sooner = (outcome: Outcome, retryAfterMs: number | undefined): Outcome =>
  retryAfterMs === undefined || outcome.kind !== 'wait'
    ? outcome
    : { ...outcome, retryAfterMs: Math.min(retryAfterMs, outcome.retryAfterMs ?? retryAfterMs) }

/** The data store serves, and nothing is being done to it: members that change and pods that roll go before its disks. */
const isStoreSettled = (results: readonly StepResult[]): boolean => isDone(results, 'DataStoreReady')

/** A size holds from when it is written down. */
const withNotedSize = (store: StoreState, disks: DiskState): StoreState =>
  disks.note === undefined ? store : { ...store, dataStore: { ...store.dataStore, storageSize: disks.note } }

/** With another slice, if one is needed. A super cluster apart that went away since it was looked at holds up nothing else. */
const grown = async (
  tenant: TenantControlPlane,
  used: UsedAddresses,
  deps: Deps & { readonly lock: SliceLock },
): Promise<TenantControlPlane> => {
  try {
    return await growSlices(tenant, used, deps)
  } catch (error) {
    if (deps.superCluster.isApart && hasCode(error, ...silences)) return tenant
    throw error
  }
}

const runRound = async (
  recorded: TenantControlPlane,
  classCondition: ClassCondition | undefined,
  { superTrouble, ...deps }: Deps & { readonly lock: SliceLock; readonly superTrouble: string | undefined },
): Promise<Outcome> => {
  let tenant = withVersionInForce(recorded)
  const slice = tenant.status?.serviceSlice
  if (slice === undefined) throw new AppError('SPEC_INVALID', 'the tenant has no slice', {})
  let results: readonly StepResult[]
  let pauseRefusal: string | undefined
  let restore = tenant.status?.restore
  let upgrade = tenant.status?.upgrade
  let rotation: RotationState | undefined
  let store: StoreState | undefined
  let disks: DiskState | undefined
  let quota: StatusInput['quota']
  try {
    const observed = await observe(withStoreInForce(tenant), deps)
    quota = quotaOf(observed.syncerLease)
    if (superTrouble === undefined) tenant = await grown(tenant, usedAddressesOf(observed.syncerLease), deps)
    const present = withStoreInForce(tenant)
    const foundation = await layFoundation(present, slice, observed, { ...deps, superTrouble })
    const round: Round = { tenant: present, ref: refOf(tenant), ...foundation, observed, superTrouble, now: deps.now() }
    rotation = foundation.rotation
    pauseRefusal = pauseRefusalOf(round)
    restore = await advanceRestore(round, deps)
    store = await advanceMove(round, { wanted: tenant.spec.dataStore, restore }, deps)
    const steps = stepsOfRound(round, { restore, store, pauseRefusal })
    results = await runSteps(steps, round, deps)
    const isAtWork = steps === stepsFor(present.spec.dataStore.kind, round.plane.isApart)
    const wanted = tenant.spec.dataStore
    disks = isAtWork ? await triedDisks(round, { wanted, isSettled: isStoreSettled(results) }, deps) : heldDisks(round, wanted)
    restore = restoreAfter(restore, results, round)
    store = withNotedSize(moveAfter(store, results, round), disks)
    const asked = {
      ...present,
      spec: { ...recorded.spec, dataStore: present.spec.dataStore },
      status: { ...present.status, ...(store?.move && { move: store.move }) },
    }
    upgrade = await triedUpgrade({ recorded: asked, round, results, restore }, deps)
  } catch (error) {
    results = [{ step: foundationStep, error }]
  }
  const versionRuns = isDone(results, 'APIServerReady', 'ControllerManagerReady')
  await writeStatus(
    tenant,
    { results, versionRuns, pauseRefusal, restore, rotation, upgrade, store, disks, classCondition, quota },
    deps,
  )
  const pauses = [rotation?.retryAfterMs, upgradeRetryMs(upgrade), disks?.retryAfterMs]
  const outcome = pauses.reduce(sooner, outcomeOf(results))
  const isMovingNow = isMoving(store?.move) || (store?.move?.phase === 'Checking' && !store.move.isRefused)
  if (isRestoring(restore) || isMovingNow) return sooner(outcome, restoringMs)
  return restore?.request === cloneRequest && restore.phase === 'Failed' ? sooner(outcome, cloneAgainMs) : outcome
}

/** A tenant that its class lets not be made: told, and looked at again when the class or the tenant changes. */
const refuse = async (tenant: TenantControlPlane, classCondition: ClassCondition, deps: Deps): Promise<Outcome> => {
  const { reason, message } = classCondition
  // The next word of the class controller comes in a moment, as a rule: no trouble, and told all the same should it not.
  const outcome = { kind: 'wait', reason, message, problem: reason !== 'RevisionPending' } as const
  await writeStatus(tenant, { results: [{ step: foundationStep, outcome }], classCondition }, deps)
  return { kind: 'wait', reason, message, retryAfterMs: recheckMs }
}

/** What a round that got nowhere leaves as it was. */
const kept = ({ status }: TenantControlPlane): Pick<StatusInput, 'restore' | 'upgrade'> => ({
  restore: status?.restore,
  upgrade: status?.upgrade,
})

/** A tenant that says what this Berth does not know, a version that is served no more for one. All that is known of it stays as it is. */
const tellInvalid = async (stored: TenantControlPlane, cause: ZodError, deps: Deps): Promise<Outcome> => {
  // Its own message says the same, as JSON.
  const error = new AppError('SPEC_INVALID', `spec.${invalidFields(cause)}. Change it: nothing is done until then`, {})
  const classCondition = stored.status?.conditions?.find(({ type }) => type === 'ClassApplied')
  const results = [{ step: foundationStep, error }]
  await writeStatus(inForce(stored), { results, ...kept(stored), classCondition }, deps)
  return outcomeOf(results)
}

/** The slice comes before all else; when there is none to be had, that is told like any other trouble. */
const withSlice = async (
  tenant: TenantControlPlane,
  classCondition: ClassCondition | undefined,
  deps: Deps & { lock: SliceLock },
  superTrouble: string | undefined,
): Promise<TenantControlPlane> => {
  // What is recorded stays so, whatever super would say.
  if (superTrouble !== undefined && tenant.status?.serviceSlice !== undefined) return tenant
  try {
    return await recordSlice(tenant, deps)
  } catch (error) {
    if (hasCode(error, 'SLICE_EXHAUSTED'))
      await writeStatus(tenant, { results: [{ step: foundationStep, error }], classCondition }, deps)
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
  if (stored.metadata.deletionTimestamp) return removeTenant(inForce(stored), deps)
  let applied: Applied
  try {
    applied = await readApplied(stored, deps)
  } catch (error) {
    if (error instanceof ZodError) return tellInvalid(stored, error, deps)
    throw error
  }
  const { tenant } = applied
  const classCondition = applied.kind === 'none' ? undefined : applied.condition
  if (applied.kind === 'refused') return refuse(tenant, applied.condition, deps)
  const found = superOfTenant(tenant.status ?? {}, await deps.superCluster.look(deps.signal), deps.superCluster.isApart)
  if (found.kind === 'refused') {
    await writeStatus(tenant, { results: [{ step: foundationStep, error: found.error }], ...kept(tenant), classCondition }, deps)
    return { kind: 'wait', reason: found.error.code, message: found.error.message, retryAfterMs: superAgainMs }
  }
  const placed = { ...tenant, status: { ...tenant.status, superCluster: found.record } }
  const sliced = await withSlice(await withFinalizer(placed, deps), classCondition, deps, found.trouble)
  let recorded: TenantControlPlane
  try {
    recorded = await withRecordedStore(sliced, deps)
  } catch (error) {
    if (hasCode(error, 'SPEC_INVALID'))
      await writeStatus(sliced, { results: [{ step: foundationStep, error }], ...kept(sliced), classCondition }, deps)
    throw error
  }
  return runRound(recorded, classCondition, { ...deps, superTrouble: found.trouble })
}
