import { resourceTypes } from '../../apis/resource-types.ts'
import type { DataStoreRecord, StoreMove } from '../../apis/store-move.ts'
import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { shortHash } from '../../tenancy/names.ts'
import { isSameStore, recordOf, storeText } from '../data-stores/in-force.ts'
import type { Deps } from '../deps.ts'
import { type MoveAction, type MoveView, nextMoveAction } from '../moves/move-plan.ts'
import type { MoveWork } from '../moves/move-tasks.ts'
import { checkWork, copyWork, prepareWork, removalWork, verifyWork } from '../moves/move-work.ts'
import { isOwnStoreGone, isTargetMade, makeTarget, removeOwnStore } from '../moves/own-target.ts'
import { componentNames } from '../names.ts'
import { isServing, type Round, type StepResult } from '../steps.ts'
import { isBeyondChecks } from '../upgrades/upgrade-plan.ts'
import { isStopped } from './stopped.ts'

/** Where the data are after a round, and how the move to where they are to be stands. */
export interface StoreState {
  readonly dataStore: DataStoreRecord
  readonly move: StoreMove | undefined
}

type StoreSpec = TenantControlPlaneSpec['dataStore']

const isOver = (move: StoreMove | undefined): boolean => !move || move.phase === 'Done' || move.phase === 'Failed'

const hasRun = ({ tenant }: Round): boolean => tenant.status?.timings?.['APIServerReady'] !== undefined

const isTrue = ({ tenant }: Round, type: string): boolean =>
  tenant.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true

/** Why a tenant is not moved just now. */
const hindranceOf = (round: Round, restore: RestoreStatus | undefined): string | undefined => {
  const { tenant, rotation } = round
  if (tenant.spec.state !== 'Running' || isTrue(round, 'Paused'))
    return 'it waits until the tenant runs: set spec.state to Running'
  if (restore && restore.phase !== 'Done' && restore.phase !== 'Failed') return 'it waits for the restore that is under way'
  // One that waits may wait for long.
  if (isBeyondChecks(tenant.status?.upgrade)) return 'it waits for the upgrade that is under way'
  if (rotation) return 'it waits for the rotation of keys that is under way'
  if (tenant.status?.version !== tenant.spec.version) return `it waits until the tenant runs ${tenant.spec.version}`
  if (!isTrue(round, 'DataStoreReady') || !isTrue(round, 'APIServerReady'))
    return 'it waits until the tenant is well: DataStoreReady and APIServerReady say what is amiss'
  return undefined
}

/** Why no etcd of its own can be made for the tenant. */
const ownHindranceOf = async (round: Round, to: DataStoreRecord, { kube, signal }: Deps): Promise<string | undefined> => {
  if (!isOwnStoreGone(round)) return 'what is left of the etcd that the tenant had before is still being removed'
  const { items } = await kube.list(resourceTypes.storageClasses, { signal })
  const isDefault = items.some(({ metadata }) => metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true')
  const { storageClassName } = to
  if (storageClassName === undefined)
    return isDefault
      ? undefined
      : 'the cluster has no default storage class for the volume of its etcd: set dataStore.storageClassName'
  return items.some(({ metadata }) => metadata.name === storageClassName)
    ? undefined
    : `the cluster has no storage class ${storageClassName}: set another dataStore.storageClassName`
}

const begin = (round: Round, wanted: StoreSpec): StoreMove => {
  const { tenant, now } = round
  const at = timestamp(now)
  const [from, to] = [recordOf(tenant.spec.dataStore), recordOf(wanted)]
  const begun = { id: shortHash([JSON.stringify(to), now.toISOString()], 12), from, to, startedAt: at, phaseAt: at }
  if (hasRun(round)) return { ...begun, phase: 'Checking', message: `looks whether the tenant can move to ${storeText(to)}` }
  // Nothing is lost of a tenant that has never run. No API server starts before a store that runs elsewhere has let it in.
  const keepsSource = from.kind !== 'dedicated' && tenant.status?.timings?.['DataStoreReady'] === undefined
  const message = `the tenant has not run yet, and starts with ${storeText(to)}`
  return { ...begun, phase: 'Starting', message, ...(keepsSource && { keepsSource }) }
}

const workOf = async (
  round: Round,
  move: StoreMove,
  hindrance: string | undefined,
  deps: Deps,
): Promise<MoveWork | undefined> => {
  switch (move.phase) {
    case 'Checking':
      return checkWork(move, move.to.kind === 'dedicated' ? await ownHindranceOf(round, move.to, deps) : hindrance, round, deps)
    case 'Preparing':
      return prepareWork(move, round, deps)
    case 'Copying':
      return copyWork(move, round, deps)
    case 'Verifying':
      return verifyWork(move, round, deps)
    case 'Cleaning':
    case 'Undoing':
      return removalWork(move, round, deps)
    case 'Stopping':
    case 'Starting':
    case 'Done':
    case 'Failed':
      return undefined
  }
}

/** Starts the work of a phase. What cannot even be begun has failed, and is told like it. */
const startWork = async (round: Round, move: StoreMove, deps: Deps): Promise<void> => {
  let work: MoveWork | undefined
  try {
    work = await workOf(round, move, undefined, deps)
  } catch (error) {
    if (!(error instanceof AppError) || error.code.startsWith('KUBE_')) throw error
    work = async () => {
      throw error
    }
  }
  if (work) deps.moveTasks.start(move.id, move.phase, work)
}

const act = async (action: MoveAction, move: StoreMove, round: Round, deps: Deps): Promise<void> => {
  switch (action.kind) {
    case 'start':
      return startWork(round, move, deps)
    case 'again':
      return deps.moveTasks.forget(move.id)
    case 'make':
      return makeTarget(round, move, deps)
    case 'remove':
      return removeOwnStore(round, move, deps)
    case 'give-up':
      deps.tell(round.tenant, { type: 'Warning', reason: 'DataLeft', message: action.message })
      return
    case 'go':
    case 'none':
      return
  }
}

const phaseAfter = (move: StoreMove, action: MoveAction, now: Date): StoreMove => {
  const { isRefused: _, ...rest } = move
  if (action.kind !== 'go' && action.kind !== 'give-up')
    return { ...rest, message: action.message, ...('isRefused' in action && action.isRefused && { isRefused: true }) }
  const isEnd = action.phase === 'Done' || action.phase === 'Failed'
  return {
    ...rest,
    ...(action.kind === 'go' && action.change),
    phase: action.phase,
    message: action.message,
    phaseAt: timestamp(now),
    ...(isEnd && { completedAt: timestamp(now) }),
  }
}

const viewOf = (round: Round, move: StoreMove, wanted: StoreSpec, deps: Deps): MoveView => {
  const isOwn = (store: DataStoreRecord): boolean => store.kind === 'dedicated'
  const given = move.phase === 'Undoing' ? move.to : move.from
  return {
    isWanted: isSameStore(move.to, wanted),
    task: deps.moveTasks.state(move.id, move.phase),
    isStopped: isStopped(round, [componentNames.kubeApiServer, componentNames.kubeControllerManager]),
    isTargetMade: !isOwn(move.to) || isTargetMade(round),
    isRemoved: !isOwn(given) || isOwnStoreGone(round),
    serves: false,
    phaseMs: round.now.getTime() - Date.parse(move.phaseAt),
  }
}

/** An own target that cannot be made leads back, like all else before the switch. */
const actOrUndo = async (action: MoveAction, move: StoreMove, round: Round, deps: Deps): Promise<MoveAction> => {
  try {
    await act(action, move, round, deps)
    return action
  } catch (error) {
    if (action.kind !== 'make' || !(error instanceof AppError) || error.policy.retry !== 'never') throw error
    return { kind: 'go', phase: 'Undoing', message: `the tenant goes on with the data store that it had: ${explainError(error)}` }
  }
}

/**
 * Takes the move to the data store that is wanted one step further. Gives how it stands after that, which has to be written down before the next step is
 * taken. `round` is of the data store in force: which one that is changes in one write, after the copy was found equal and before anything starts on it.
 */
export const advanceMove = async (
  round: Round,
  { wanted, restore }: { readonly wanted: StoreSpec; readonly restore: RestoreStatus | undefined },
  deps: Deps,
): Promise<StoreState> => {
  const { tenant, now } = round
  const dataStore = recordOf(tenant.spec.dataStore)
  const present = tenant.status?.move
  if (!present || isOver(present)) {
    if (present) deps.moveTasks.forget(present.id)
    if (isSameStore(wanted, dataStore)) return { dataStore, move: present?.phase === 'Done' ? present : undefined }
    // What has failed is tried again when something else was wanted meanwhile.
    if (present?.phase === 'Failed' && isSameStore(present.to, wanted)) return { dataStore, move: present }
    const move = begin(round, wanted)
    return { dataStore: move.phase === 'Starting' ? move.to : dataStore, move }
  }
  const isWanted = isSameStore(present.to, wanted)
  if (present.phase === 'Starting' && !isWanted) {
    // Nothing is lost of a tenant that has never run, wherever it starts.
    if (!hasRun(round)) {
      const move = begin(round, wanted)
      return { dataStore: move.to, move }
    }
    // The same keys of the same etcd, by another way.
    if (present.keepsSource && isSameStore(present.from, wanted)) {
      const message = 'the move was taken back: the tenant goes on by the way that it had'
      return {
        dataStore: present.from,
        move: { ...present, phase: 'Failed', message, phaseAt: timestamp(now), completedAt: timestamp(now) },
      }
    }
  }
  const hindrance = present.phase === 'Checking' ? hindranceOf(round, restore) : undefined
  if (hindrance !== undefined && isWanted) {
    deps.moveTasks.forget(present.id)
    return { dataStore, move: { ...present, isRefused: true, message: hindrance } }
  }
  const action = await actOrUndo(nextMoveAction(present, viewOf(round, present, wanted, deps)), present, round, deps)
  const move = phaseAfter(present, action, now)
  if (move.phase !== present.phase) deps.moveTasks.forget(present.id)
  if (present.phase !== 'Starting' && move.phase === 'Starting') {
    deps.storeMeter.forget(round.ref.uid)
    return { dataStore: present.to, move }
  }
  return { dataStore, move }
}

/** How a move stands after the steps have run: the source is given up once the target serves. */
export const moveAfter = (
  { dataStore, move }: StoreState,
  results: readonly StepResult[],
  { tenant, now }: Pick<Round, 'tenant' | 'now'>,
): StoreState => {
  // Not in the round that switched: its steps were still of the source.
  if (move?.phase !== 'Starting' || tenant.status?.move?.phase !== 'Starting') return { dataStore, move }
  const serves = ['data store', 'API server'].every((name) =>
    results.some((result) => result.step.name === name && isServing(result)),
  )
  const action = nextMoveAction(move, {
    isWanted: true,
    task: { kind: 'absent' },
    isStopped: false,
    isTargetMade: true,
    isRemoved: false,
    serves,
    phaseMs: 0,
  })
  return { dataStore, move: phaseAfter(move, action, now) }
}
