import { type Condition, type ConditionType, isAsleep, isResting, setCondition } from '../apis/conditions.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { RestoreStatus, TenantControlPlaneStatus } from '../apis/tenant-status.ts'
import type { UpgradeStatus } from '../apis/upgrade.ts'
import { kubeconfigSecretName } from '../tenancy/names.ts'
import { fullestOf, type QuotaUsage } from '../tenancy/quota-usage.ts'
import { hashOf } from './apply.ts'
import type { ClassCondition } from './classes/apply-class.ts'
import { tenantEndpoint } from './endpoints.ts'
import type { RunTrouble } from './isolation-runs/plan.ts'
import { isolationVerified } from './isolation-verified.ts'
import type { Enforcement } from './network-probe/plan.ts'
import { planePlaceOf } from './observe.ts'
import type { RotationState } from './rotation-state.ts'
import type { BackupProof } from './snapshots/drill-schedule.ts'
import type { DiskState } from './steps/disks.ts'
import type { StoreState } from './steps/move.ts'
import { conditionOf, isServing, type StepResult } from './steps.ts'

/** How much a step that is not done has to say: trouble before progress, and progress before waiting for others. */
const weight = (result: StepResult): number => {
  if ('error' in result) return 3
  if (result.outcome.kind === 'wait' && result.outcome.problem) return 2
  return result.outcome.kind === 'off' || result.outcome.reason === 'Waiting' ? 0 : 1
}

/** True when all that a pause stops is at rest. */
const isPaused = (results: readonly StepResult[]): boolean =>
  results.some((result) => 'outcome' in result && result.outcome.kind === 'off') &&
  // What serves meanwhile may still have something to say.
  results.every((result) => 'outcome' in result && (result.outcome.kind !== 'wait' || result.outcome.serves === true))

const restTexts = {
  Paused:
    'the control plane is at zero, as spec.state says; pods of the tenant go on running. Set spec.state to Running to wake it',
  Hibernated:
    'the control plane and the pods of the tenant are at zero, as spec.state says. Set spec.state to Running to wake it',
}

/** What holds the control plane at zero although it is to run; undefined: nothing does. */
const holdOf = (results: readonly StepResult[]): 'Restoring' | 'Moving' | undefined => {
  const reasons = results.flatMap((result) => ('outcome' in result && result.outcome.kind === 'off' ? result.outcome.reason : []))
  return reasons.find((reason) => reason !== 'Paused')
}

const holdTexts = {
  Restoring: 'the tenant is being restored: its control plane is at zero until its data are loaded',
  Moving:
    'the tenant moves to another data store: its API server is at zero until its data are copied; pods of the tenant go on running',
}

/** What the whole of a round says: the step not done that says most, the first of equals; or that all is well. */
export const readyOf = (
  results: readonly StepResult[],
  { metadata, spec }: Pick<TenantControlPlane, 'metadata' | 'spec'>,
): Omit<Condition, 'lastTransitionTime' | 'type'> => {
  const observedGeneration = metadata.generation ?? 0
  const open = results.filter((result) => !isServing(result))
  const hold = holdOf(results)
  if (isPaused(results) && hold) return { status: 'False', reason: hold, message: holdTexts[hold], observedGeneration }
  if (isPaused(results)) {
    const reason = spec.state === 'Hibernated' ? 'Hibernated' : 'Paused'
    return { status: 'False', reason, message: restTexts[reason], observedGeneration }
  }
  const [first] = open.toSorted((a, b) => weight(b) - weight(a))
  if (first) {
    const said = conditionOf(first, observedGeneration)
    return { ...said, message: `${first.step.name}: ${said.message}` }
  }
  const message = 'a request with the published kubeconfig was answered; DNS and the syncer serve'
  return { status: 'True', reason: 'Usable', message, observedGeneration }
}

/** What comes and goes again and again, and is no step on the way up. */
const passingConditions: ReadonlySet<ConditionType> = new Set<ConditionType>(['Growing', 'NetworkPolicyEnforced'])

/** Seconds from creation until each condition was first true. A time once written stays. */
const timingsOf = (tenant: TenantControlPlane, conditions: readonly Condition[], now: Date): Record<string, number> => {
  const created = Date.parse(tenant.metadata.creationTimestamp ?? now.toISOString())
  const seconds = Math.max(0, Math.round((now.getTime() - created) / 100) / 10)
  const reached = conditions
    .filter(({ type, status }) => status === 'True' && !passingConditions.has(type))
    .map(({ type }) => [type, seconds] as const)
  return { ...Object.fromEntries(reached), ...tenant.status?.timings }
}

/** What a status is made of, beside the one before it. */
export interface StatusInput {
  readonly tenant: TenantControlPlane
  readonly results: readonly StepResult[]
  /** The API servers and the controller manager all run the wanted version. */
  readonly versionRuns: boolean
  /** Why the tenant runs though its spec wants it paused. */
  readonly pauseRefusal?: string | undefined
  /** How a restore stands that is or was asked for. */
  readonly restore?: RestoreStatus | undefined
  /** How a change of version stands, or how the last one ended. */
  readonly upgrade?: UpgradeStatus | undefined
  /** Where the data are, and how a move of them stands; undefined: a round that got nowhere. */
  readonly store?: StoreState | undefined
  /** How the disks of the data store stand; undefined: a round that got nowhere. */
  readonly disks?: DiskState | undefined
  /** How a rotation of keys stands; undefined when none is under way. */
  readonly rotation?: RotationState | undefined
  /** What the tenant's class has to say; undefined for a tenant without one. */
  readonly classCondition?: ClassCondition | undefined
  /** How far the backup is known to be of use; undefined: no drills are scheduled. */
  readonly proof?: BackupProof | 'unknown' | undefined
  /** Its limits, as the syncer says; 'none': it has none; undefined: a round that has not looked. */
  readonly quota?: QuotaUsage | 'none' | undefined
  /** Whether super holds to the policies that keep the tenant apart; undefined: nothing does. */
  readonly enforcement?: Enforcement | 'unknown' | undefined
  /** Why the isolation checks do not run by the tenant's schedule; undefined: they do, or there is none. */
  readonly runTrouble?: RunTrouble | undefined
  readonly now: Date
}

const pausedCondition = (
  { results, pauseRefusal, tenant }: Pick<StatusInput, 'results' | 'pauseRefusal' | 'tenant'>,
  ready: Condition | undefined,
  observedGeneration: number,
): Omit<Condition, 'lastTransitionTime'> | undefined => {
  const before = tenant.status?.conditions?.find(({ type }) => type === 'Paused')
  // A round that got nowhere knows nothing of it, and the syncer goes by this condition.
  if (results.every((result) => 'error' in result) || holdOf(results)) return before
  if (pauseRefusal !== undefined)
    return { type: 'Paused', status: 'False', reason: 'DataWouldBeLost', message: pauseRefusal, observedGeneration }
  if (ready && isPaused(results)) return { ...ready, type: 'Paused', status: 'True' }
  const pausing = tenant.spec.state === 'Hibernated' ? 'Hibernating' : 'Pausing'
  if (results.some((result) => 'outcome' in result && result.outcome.kind === 'off'))
    return { type: 'Paused', status: 'False', reason: pausing, message: ready?.message ?? '', observedGeneration }
  // Woken to be paused, it makes its pods anew first.
  if (tenant.spec.state !== 'Running')
    return {
      type: 'Paused',
      status: 'False',
      reason: tenant.spec.state === 'Hibernated' ? 'Hibernating' : 'Waking',
      message: ready?.message ?? '',
      observedGeneration,
    }
  // When it was woken last: what was said before then does not count.
  return before
    ? { type: 'Paused', status: 'False', reason: 'Running', message: 'it was paused once, and was woken', observedGeneration }
    : undefined
}

/** Of something that goes through phases, while it is under way, or when it was refused or has failed. */
const phasedCondition = (
  type: 'Restoring' | 'Upgrading' | 'Moving',
  told: { readonly phase: string; readonly message: string; readonly isRefused?: boolean | undefined } | undefined,
  observedGeneration: number,
): Omit<Condition, 'lastTransitionTime'> | undefined => {
  if (told === undefined || told.phase === 'Done') return undefined
  const { phase, message, isRefused = false } = told
  const status = phase === 'Failed' || isRefused ? 'False' : 'True'
  return { type, status, reason: isRefused ? 'Refused' : phase, message, observedGeneration }
}

/** Whether people come by the way that the spec wants. It is there only while one is wanted, or until what was wanted before is taken back. */
const withExposed = (
  conditions: readonly Condition[],
  result: StepResult,
  { tenant, now }: Pick<StatusInput, 'tenant' | 'now'>,
): readonly Condition[] => {
  const isDone = 'outcome' in result && result.outcome.kind === 'done'
  const { type = 'ClusterIP', hostname } = tenant.spec.apiServer.exposure ?? {}
  const isWanted = type !== 'ClusterIP' || hostname !== undefined
  if (!isWanted && (isDone || 'error' in result)) return conditions.filter((each) => each.type !== 'Exposed')
  const said = conditionOf(result, tenant.metadata.generation ?? 0)
  return setCondition(conditions, { ...said, type: 'Exposed', status: isDone ? 'True' : 'False' }, now)
}

/** What the published kubeconfig names after a round that got as far as publishing it. */
const endpointOf = (results: readonly StepResult[]): string | undefined =>
  results.flatMap((result) => ('outcome' in result && 'endpoint' in result.outcome ? (result.outcome.endpoint ?? []) : []))[0]

const rotatingCondition = (
  { results, rotation, tenant }: Pick<StatusInput, 'results' | 'rotation' | 'tenant'>,
  observedGeneration: number,
): Omit<Condition, 'lastTransitionTime'> | undefined => {
  // A round that got nowhere knows nothing of it.
  if (results.every((result) => 'error' in result)) return tenant.status?.conditions?.find(({ type }) => type === 'RotatingCA')
  if (!rotation) return undefined
  const { reason, message } = rotation
  const status = reason === 'RotationRefused' ? 'False' : 'True'
  return { type: 'RotatingCA', status, reason, message: message.slice(0, 4000), observedGeneration }
}

/** While nobody knows the snapshots, what was said of them last stands. */
const proofOf = ({ proof, tenant }: Pick<StatusInput, 'proof' | 'tenant'>): BackupProof | undefined => {
  if (proof !== 'unknown') return proof
  const { conditions, backup } = tenant.status ?? {}
  const condition = conditions?.find(({ type }) => type === 'BackupProven')
  return condition && { condition, lastDrill: backup?.lastDrill }
}

const quotaStatus = (usage: QuotaUsage | 'none'): TenantControlPlaneStatus['quota'] =>
  usage === 'none' ? undefined : { hard: { ...usage.hard }, used: { ...usage.used }, fullest: fullestOf(usage) }

/** The status after a round, from the one before it and what the steps answered. Pure; equal input gives an equal status. */
export const statusOf = (input: StatusInput): TenantControlPlaneStatus => {
  const { tenant, results, versionRuns, restore, upgrade, now } = input
  const generation = tenant.metadata.generation ?? 0
  let conditions: readonly Condition[] = tenant.status?.conditions ?? []
  for (const result of results) {
    const type = result.step.condition
    if (type === 'Exposed') conditions = withExposed(conditions, result, input)
    else if (type) conditions = setCondition(conditions, { type, ...conditionOf(result, generation) }, now)
  }
  conditions = setCondition(conditions, { type: 'Ready', ...readyOf(results, tenant) }, now)

  const version = versionRuns ? tenant.spec.version : tenant.status?.version
  const sync = conditions.find(({ type }) => type === 'SyncReady')
  conditions =
    sync?.reason === 'Frozen'
      ? setCondition(conditions, { ...sync, type: 'Frozen', status: 'True' }, now)
      : conditions.filter(({ type }) => type !== 'Frozen')
  const ready = conditions.find(({ type }) => type === 'Ready')
  const paused = pausedCondition(input, ready, generation)
  conditions = paused ? setCondition(conditions, paused, now) : conditions.filter(({ type }) => type !== 'Paused')
  const restoring = phasedCondition('Restoring', restore, generation)
  conditions = restoring ? setCondition(conditions, restoring, now) : conditions.filter(({ type }) => type !== 'Restoring')
  const upgrading = phasedCondition('Upgrading', upgrade, generation)
  conditions = upgrading ? setCondition(conditions, upgrading, now) : conditions.filter(({ type }) => type !== 'Upgrading')
  // A round that got nowhere knows nothing of it.
  const move = input.store ? input.store.move : tenant.status?.move
  const moving = phasedCondition('Moving', move, generation)
  conditions = moving ? setCondition(conditions, moving, now) : conditions.filter(({ type }) => type !== 'Moving')
  // A round that got nowhere knows nothing of them.
  const growing = input.disks
    ? input.disks.condition && { ...input.disks.condition, type: 'Growing' as const, observedGeneration: generation }
    : tenant.status?.conditions?.find(({ type }) => type === 'Growing')
  conditions = growing ? setCondition(conditions, growing, now) : conditions.filter(({ type }) => type !== 'Growing')
  const rotating = rotatingCondition(input, generation)
  conditions = rotating ? setCondition(conditions, rotating, now) : conditions.filter(({ type }) => type !== 'RotatingCA')
  conditions = input.classCondition
    ? setCondition(conditions, { type: 'ClassApplied', ...input.classCondition, observedGeneration: generation }, now)
    : conditions.filter(({ type }) => type !== 'ClassApplied')
  const proof = proofOf(input)
  conditions = proof
    ? setCondition(conditions, { type: 'BackupProven', ...proof.condition, observedGeneration: generation }, now)
    : conditions.filter(({ type }) => type !== 'BackupProven')
  if (input.enforcement === undefined) conditions = conditions.filter(({ type }) => type !== 'NetworkPolicyEnforced')
  else if (input.enforcement !== 'unknown')
    conditions = setCondition(
      conditions,
      { type: 'NetworkPolicyEnforced', ...input.enforcement, observedGeneration: generation },
      now,
    )
  const verified = isolationVerified(tenant, { trouble: input.runTrouble, now })
  conditions = verified ? setCondition(conditions, verified, now) : conditions.filter(({ type }) => type !== 'IsolationVerified')
  const slice = tenant.status?.serviceSlice
  const { upgrade: _, move: __, backup: ___, quota: quotaBefore, ...before } = tenant.status ?? {}
  const quota = input.quota === undefined ? quotaBefore : quotaStatus(input.quota)
  return {
    ...before,
    ...(quota && { quota }),
    observedGeneration: generation,
    ...(version !== undefined && { version }),
    ...(slice !== undefined && {
      endpoint: endpointOf(results) ?? tenant.status?.endpoint ?? tenantEndpoint(planePlaceOf(tenant)),
    }),
    kubeconfigSecret: kubeconfigSecretName(tenant.metadata.name ?? ''),
    ...(input.store && { dataStore: input.store.dataStore }),
    ...(proof?.lastDrill && { backup: { lastDrill: proof.lastDrill } }),
    ...(move !== undefined && { move }),
    ...(restore !== undefined && { restore }),
    ...(upgrade !== undefined && { upgrade }),
    ...(restore?.loadedAt !== undefined && {
      restored: { id: restore.id, snapshotName: restore.snapshotName, at: restore.loadedAt },
    }),
    conditions: [...conditions],
    timings: timingsOf(tenant, conditions, now),
  }
}

export const isSameStatus = (a: TenantControlPlaneStatus | undefined, b: TenantControlPlaneStatus): boolean =>
  a !== undefined && hashOf(a) === hashOf(b)

/** A change that people want to hear of. */
export interface Transition {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** What is told when something that was under way is so no more: how it went is in the status. */
const endings: Partial<Readonly<Record<ConditionType, Omit<Transition, 'type'>>>> = {
  Upgrading: { reason: 'UpgradeEnded', message: 'the upgrade is over: status.version runs' },
  Restoring: { reason: 'RestoreEnded', message: 'the restore is over: the data are those of status.restored' },
  Moving: { reason: 'MoveEnded', message: 'the move is over: the data are in the data store of status.dataStore' },
  RotatingCA: { reason: 'RotationEnded', message: 'the rotation of keys is over' },
}

const endingsOf = (before: readonly Condition[], after: readonly Condition[]): readonly Transition[] =>
  before.flatMap(({ type, status, reason }): Transition[] => {
    const left = after.find((each) => each.type === type)
    if (type === 'Paused' && reason !== 'Running' && left?.reason === 'Running')
      return [{ type: 'Normal', reason: 'Resumed', message: left.message }]
    const ending = endings[type]
    return ending && status === 'True' && !left ? [{ type: 'Normal', ...ending }] : []
  })

/** What became true, what stopped being true, what is over, and problems that are new. */
export const transitionsOf = (
  before: readonly Condition[],
  after: readonly Condition[],
  problems: ReadonlySet<ConditionType>,
): readonly Transition[] => {
  const isOnPurpose = isResting(after) || isAsleep(after)
  const news = after.flatMap((condition): Transition[] => {
    const { type, status, reason, message } = condition
    const old = before.find((each) => each.type === type)
    if (status === 'True' && old?.status !== 'True') return [{ type: 'Normal', reason: type, message }]
    // What stops because somebody wants it to is no trouble; that it has stopped is told by `Paused`.
    if (status !== 'True' && !problems.has(type) && (type === 'Paused' || isOnPurpose)) return []
    // On its way to another way in: the one before goes on until then.
    if (status !== 'True' && type === 'Exposed' && !problems.has(type)) return []
    if (status !== 'True' && old?.status === 'True' && type !== 'Upgrading')
      return [{ type: 'Warning', reason: `Not${type}`, message }]
    if (problems.has(type) && old?.reason !== reason) return [{ type: 'Warning', reason, message }]
    return []
  })
  return [...news, ...endingsOf(before, after)]
}
