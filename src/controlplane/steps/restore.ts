import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { LoadOrder } from '../../apis/snapshot-task.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { AppError, explainError, hasCode } from '../../lib/errors.ts'
import { loadingAnnotation } from '../../tenancy/marks.ts'
import { shortHash } from '../../tenancy/names.ts'
import { applyWanted } from '../apply.ts'
import { diskSizeOf, membersConfig } from '../data-stores/etcd.ts'
import { quotaBytes } from '../data-stores/etcd-config.ts'
import { ordinalOfName } from '../data-stores/member-pods.ts'
import { foundingPlan } from '../data-stores/members.ts'
import type { Deps } from '../deps.ts'
import { podsOf } from '../diagnose.ts'
import { isMoving } from '../moves/move-plan.ts'
import { componentNames, fieldManager, taskNames } from '../names.ts'
import { objectId } from '../observe.ts'
import { etcdMember } from '../pki/plan.ts'
import { claimOfFirst, headerOf, remapOf } from '../snapshots/clone-order.ts'
import {
  answeredBefore,
  bumpOf,
  failedLoad,
  identityField,
  isAnswered,
  nextRestoreAction,
  type RestoreAction,
  type RestoreRequest,
  restoreRefusal,
  restoreRequestOf,
  stoppingMessage,
} from '../snapshots/restore-plan.ts'
import { identityOf, storageAccess } from '../snapshots/storage-access.ts'
import { loadJob, orderSecret, settleJob, type TaskPlace } from '../snapshots/task-objects.ts'
import { taskState } from '../snapshots/task-state.ts'
import { isServing, type Round, type StepResult } from '../steps.ts'
import { isBeyondChecks, restoreRequestId } from '../upgrades/upgrade-plan.ts'
import { imagesOf } from '../versions.ts'
import { isOver, isStopped } from './stopped.ts'

/** The Job that brings the data, or the one that puts them in their place. */
const placeOf = ({ plane, ref }: Round, { id, phase }: Pick<RestoreStatus, 'id' | 'phase'>): Omit<TaskPlace, 'image'> => ({
  tenant: ref,
  namespace: plane.namespace,
  name: `restore-${id}${phase === 'Swapping' ? '-swap' : ''}`,
})

const readSnapshot = ({ ref }: Round, name: string, { kube, signal }: Deps): Promise<ControlPlaneSnapshot | undefined> =>
  kube.get<ControlPlaneSnapshot>(resourceTypes.controlPlaneSnapshots, { namespace: ref.namespace, name }, { signal })

/** Volumes of the tenant's etcd. */
export const claimsOf = ({ observed }: Pick<Round, 'observed'>): KubeObject[] =>
  [...observed.objects.values()].filter(({ kind }) => kind === 'PersistentVolumeClaim')

const firstClaim = `data-${etcdMember(0)}`

const imageOf = ({ image }: Deps): string => {
  if (image !== undefined) return image
  throw new AppError('CONFIG_INVALID', "the manager does not know Berth's own image: set BERTH_IMAGE in its Deployment", {})
}

/** How what is stored is come by and opened. Throws SPEC_INVALID. */
const accessOf = async (
  { spec, status, metadata: { namespace = '' } }: ControlPlaneSnapshot,
  request: RestoreRequest,
  deps: Deps,
): Promise<Pick<LoadOrder, 'storage' | 'key' | 'identity'>> => ({
  storage: await storageAccess(spec.storage, namespace, deps),
  key: status?.key ?? '',
  ...(status?.encrypted && {
    identity: await identityOf({ name: request.identitySecretName, field: identityField(request) }, namespace, deps),
  }),
})

const makeClaim = async ({ plane, observed }: Round, { kube, signal }: Deps): Promise<void> => {
  if (observed.objects.has(`PersistentVolumeClaim/${firstClaim}`)) return
  try {
    await kube.create(resourceTypes.persistentVolumeClaims, claimOfFirst(plane), { signal })
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  }
}

/** How what is stored is opened, and what it says of itself. Throws what the store throws, and SNAPSHOT_UNREADABLE for what its object does not tell of. */
const headerFor = async (round: Round, request: RestoreRequest, snapshot: ControlPlaneSnapshot, deps: Deps) => {
  const access = await accessOf(snapshot, request, deps)
  const header = await headerOf(access, deps)
  if (header.tenant.uid !== snapshot.status?.tenantUid || header.tenant.namespace !== round.ref.namespace)
    throw new AppError('SNAPSHOT_UNREADABLE', `what is stored is of another tenant, of UID ${header.tenant.uid}`, {})
  return { access, header }
}

/** Makes the pod that brings the data, and what it needs for that. */
const load = async (round: Round, restore: RestoreStatus, request: RestoreRequest, deps: Deps): Promise<void> => {
  const { kube, signal } = deps
  const { plane, ref, observed } = round
  const image = imageOf(deps)
  const snapshot = await readSnapshot(round, request.snapshotName, deps)
  if (snapshot?.status?.key === undefined || snapshot.status.sha256 === undefined)
    throw new AppError('SPEC_INVALID', `ControlPlaneSnapshot ${ref.namespace}/${request.snapshotName} is not there any more`, {})
  // No etcd has run yet that would have made it.
  if (request.isClone) await makeClaim(round, deps)
  else if (!observed.objects.has(`PersistentVolumeClaim/${firstClaim}`))
    throw new AppError('SPEC_INVALID', `the volume of ${etcdMember(0)} is not there: set dataStore.replicas to 1 first`, {})
  const place = placeOf(round, restore)
  // What is stored may be another since it was looked at first.
  const { access, header } = await headerFor(round, request, snapshot, deps)
  const remap = await remapOf(round, request, header, deps)
  const { key, sha256 } = snapshot.status
  const order = orderSecret(place, { kind: 'load', ...access, key, sha256, ...(remap && { remap }) })
  await kube.apply(resourceTypes.secrets, order, { fieldManager, force: true, signal })
  const etcdImage = imagesOf(plane.spec.version, plane.registry).etcd
  const quota = quotaBytes(diskSizeOf(plane))
  const job = loadJob({
    ...place,
    image,
    etcdImage,
    claim: firstClaim,
    workBytes: quota + 64 * 2 ** 20,
    quotaBytes: quota,
    bumpRevision: bumpOf(snapshot.status.revision, deps.now()),
    remaps: remap !== undefined,
  })
  await kube.create(resourceTypes.jobs, job, { signal })
}

const swap = async (round: Round, restore: RestoreStatus, deps: Deps): Promise<KubeObject> => {
  const claim = round.observed.objects.get(`PersistentVolumeClaim/${firstClaim}`)
  // From here on it has data that are nowhere else, whatever the status says.
  if (claim?.metadata.annotations?.[loadingAnnotation] !== undefined) {
    const body = { metadata: { annotations: { [loadingAnnotation]: null } } }
    const ref = { name: firstClaim, namespace: round.plane.namespace }
    await deps.kube.patch(resourceTypes.persistentVolumeClaims, ref, body, { type: 'merge', signal: deps.signal })
  }
  const job = settleJob({ ...placeOf(round, restore), image: imageOf(deps), claim: firstClaim, restore: restore.id })
  return deps.kube.create(resourceTypes.jobs, job, { signal: deps.signal })
}

/** Takes a Job away, with its pods, and the order that it had. In this order: the Job says that there is something to clean. */
const clean = async ({ namespace, name }: Pick<TaskPlace, 'namespace' | 'name'>, { kube, signal }: Deps): Promise<void> => {
  await kube.delete(resourceTypes.secrets, { namespace, name }, { signal })
  await kube.delete(resourceTypes.jobs, { namespace, name }, { propagationPolicy: 'Foreground', signal })
}

/** What a restore that is over, or no longer needs it, has left. */
const cleanAll = async (round: Round, { id }: Pick<RestoreStatus, 'id'>, deps: Deps): Promise<void> => {
  for (const phase of ['Loading', 'Swapping'] as const) {
    const place = placeOf(round, { id, phase })
    const { kube, signal } = deps
    const ref = { namespace: place.namespace, name: place.name }
    const job = await kube.get(resourceTypes.jobs, ref, { signal })
    // It has keys in it, and its Job may never have come to be.
    if (!job && (await kube.get(resourceTypes.secrets, ref, { signal })))
      await kube.delete(resourceTypes.secrets, ref, { signal })
    if (job && !job.metadata.deletionTimestamp) await clean(place, deps)
  }
}

const otherClaims = (round: Round): KubeObject[] => claimsOf(round).filter((claim) => ordinalOfName(claim) !== 0)

/** The first member alone has the data. The others are made anew from it. */
const resetMembers = async (round: Round, deps: Deps): Promise<void> => {
  const { plane, observed } = round
  for (const { metadata } of otherClaims(round)) {
    const { name = '', namespace = '', uid = '', deletionTimestamp } = metadata
    if (!deletionTimestamp)
      await deps.kube.delete(resourceTypes.persistentVolumeClaims, { name, namespace }, { uid, signal: deps.signal })
  }
  const alone = membersConfig({ ...plane, store: { members: foundingPlan(1), isHeld: false } })
  await applyWanted(alone, observed.objects.get(objectId(alone)), deps)
}

const isAlone = ({ plane: { store } }: Round): boolean =>
  store.members.length === 1 && store.members[0]?.ordinal === 0 && store.members[0].start === 'found'

/** Why what is stored cannot be loaded: looked at before anything is stopped for it. */
const unreadable = async (
  round: Round,
  request: RestoreRequest,
  snapshot: ControlPlaneSnapshot | undefined,
  deps: Deps,
): Promise<string | undefined> => {
  if (snapshot?.status?.key === undefined) return 'the snapshot does not say where it lies'
  try {
    const { header } = await headerFor(round, request, snapshot, deps)
    await remapOf(round, request, header, deps)
    return undefined
  } catch (error) {
    if (error instanceof AppError && error.code.startsWith('KUBE_')) throw error
    return explainError(error)
  }
}

const begin = async (round: Round, request: RestoreRequest, deps: Deps): Promise<RestoreStatus | undefined> => {
  const { tenant, plane, now } = round
  const startedAt = timestamp(now)
  const begun = {
    request: request.request,
    id: shortHash([request.request, now.toISOString()], 12),
    snapshotName: request.snapshotName,
    startedAt,
    ...answeredBefore(tenant, request),
  }
  const present = tenant.status?.restore
  // It waits for one that is at rest, or has never served, to run.
  if (tenant.spec.state !== 'Running' || isMoving(tenant.status?.move)) return present
  // An upgrade that goes back further than to the version before would undo it.
  const { upgrade } = tenant.status ?? {}
  if (isBeyondChecks(upgrade) && request.request !== restoreRequestId(upgrade)) return present
  if (!request.isClone && tenant.status?.version === undefined) return present
  const snapshot = await readSnapshot(round, request.snapshotName, deps)
  const refusal = restoreRefusal(request, snapshot, tenant, plane.storage) ?? (await unreadable(round, request, snapshot, deps))
  return refusal === undefined
    ? { ...begun, phase: 'Stopping', message: stoppingMessage(begun) }
    : { ...begun, phase: 'Failed', message: refusal.slice(0, 4000), completedAt: startedAt }
}

const act = async (
  { kind }: RestoreAction,
  { round, present, request }: { round: Round; present: RestoreStatus; request: RestoreRequest | undefined },
  deps: Deps,
): Promise<void> => {
  switch (kind) {
    case 'task':
      if (present.phase === 'Swapping') await swap(round, present, deps)
      else if (request) await load(round, present, request, deps)
      return
    case 'again':
      return clean(placeOf(round, present), deps)
    case 'reset':
      return resetMembers(round, deps)
    case 'go':
    case 'none':
      return
  }
}

/**
 * Takes a restore that is asked for one step further. Gives how it stands after that, which has to be written down before the next step is taken: what is to
 * rest for it rests already when its data are touched, and the syncer knows of it. Done again for the same restore it changes nothing.
 */
export const advanceRestore = async (round: Round, deps: Deps): Promise<RestoreStatus | undefined> => {
  const { tenant, now, observed } = round
  const present = tenant.status?.restore
  const request = restoreRequestOf(tenant, claimsOf(round))
  if (!present || present.phase === 'Done' || present.phase === 'Failed') {
    // Not before it is written down how it ended.
    if (present) await cleanAll(round, present, deps)
    // What is over is told as long as it is asked for.
    return !request || (present && isAnswered(present, request, now)) ? present : begin(round, request, deps)
  }
  if (present.phase === 'Starting') {
    await cleanAll(round, present, deps)
    return present
  }
  const { namespace, name } = placeOf(round, present)
  const job = await deps.kube.get(resourceTypes.jobs, { namespace, name }, { signal: deps.signal })
  const pods = podsOf(observed.pods, taskNames.restore)
  const action = nextRestoreAction(present, request?.request === present.request, {
    isStopped: isStopped(round, Object.values(componentNames)),
    task: taskState(
      job,
      pods.filter(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === name),
      now,
    ),
    isInUse: pods.some((pod) => !isOver(pod)),
    isReset: isAlone(round) && otherClaims(round).length === 0,
    serves: false,
  })
  try {
    await act(action, { round, present, request }, deps)
  } catch (error) {
    // Between the old data and the new there is no way back.
    if (!(error instanceof AppError) || error.policy.retry !== 'never' || present.phase === 'Swapping') throw error
    return { ...present, phase: 'Failed', message: failedLoad(present, explainError(error)), completedAt: timestamp(now) }
  }
  if (action.kind !== 'go') return { ...present, message: action.message }
  return {
    ...present,
    phase: action.phase,
    message: action.message,
    ...(action.phase === 'Starting' && { loadedAt: timestamp(now) }),
    ...(action.phase === 'Failed' && { completedAt: timestamp(now) }),
  }
}

/** How a restore stands after the steps have run: over, once what it loaded serves. */
export const restoreAfter = (
  restore: RestoreStatus | undefined,
  results: readonly StepResult[],
  { tenant, now }: Pick<Round, 'tenant' | 'now'>,
): RestoreStatus | undefined => {
  // Not in the round that began it: what it left is cleaned up first, and it is written down that the data are others.
  if (restore?.phase !== 'Starting' || tenant.status?.restore?.phase !== 'Starting') return restore
  const serves = ['data store', 'API server'].every((name) =>
    results.some((result) => result.step.name === name && isServing(result)),
  )
  const action = nextRestoreAction(restore, true, {
    isStopped: false,
    task: { kind: 'absent' },
    isInUse: false,
    isReset: true,
    serves,
  })
  return action.kind === 'go'
    ? { ...restore, phase: action.phase, message: action.message, completedAt: timestamp(now) }
    : restore
}
