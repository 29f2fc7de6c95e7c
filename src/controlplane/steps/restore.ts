import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { readHeader } from '../../snapshots/load.ts'
import { applyWanted } from '../apply.ts'
import { membersConfig } from '../data-stores/etcd.ts'
import { quotaBytes } from '../data-stores/etcd-config.ts'
import { ordinalOfName } from '../data-stores/member-pods.ts'
import { foundingPlan } from '../data-stores/members.ts'
import type { Deps } from '../deps.ts'
import { hasEnded, podsOf } from '../diagnose.ts'
import { componentNames, fieldManager, taskNames } from '../names.ts'
import { objectId } from '../observe.ts'
import { etcdMember } from '../pki/plan.ts'
import { nextRestoreAction, type RestoreRequest, restoreRefusal, restoreRequestOf } from '../snapshots/restore-plan.ts'
import { identityOf, storageAccess } from '../snapshots/storage-access.ts'
import { loadJob, orderSecret, type TaskPlace } from '../snapshots/task-objects.ts'
import { type TaskState, taskState } from '../snapshots/task-state.ts'
import { isServing, type Round, type StepResult } from '../steps.ts'
import { imagesOf } from '../versions.ts'

const seconds = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z')

const placeOf = ({ plane, ref }: Round, id: string): Omit<TaskPlace, 'image'> => ({
  tenant: ref,
  namespace: plane.namespace,
  name: `restore-${id}`,
})

const readSnapshot = ({ ref }: Round, name: string, { kube, signal }: Deps): Promise<ControlPlaneSnapshot | undefined> =>
  kube.get<ControlPlaneSnapshot>(resourceTypes.controlPlaneSnapshots, { namespace: ref.namespace, name }, { signal })

const claimsOf = ({ observed }: Round): KubeObject[] =>
  [...observed.objects.values()].filter(({ kind }) => kind === 'PersistentVolumeClaim')

const firstClaim = `data-${etcdMember(0)}`

/** Makes the pod that brings the data, and what it needs for that. */
const load = async (round: Round, request: RestoreRequest, deps: Deps): Promise<void> => {
  const { kube, signal, image } = deps
  const { plane, ref, observed } = round
  if (image === undefined)
    throw new AppError('CONFIG_INVALID', "the manager does not know Berth's own image: set BERTH_IMAGE in its Deployment", {})
  const snapshot = await readSnapshot(round, request.snapshotName, deps)
  if (snapshot?.status?.key === undefined || snapshot.status.sha256 === undefined)
    throw new AppError('SPEC_INVALID', `ControlPlaneSnapshot ${ref.namespace}/${request.snapshotName} is not there any more`, {})
  if (!observed.objects.has(`PersistentVolumeClaim/${firstClaim}`))
    throw new AppError('SPEC_INVALID', `the volume of ${etcdMember(0)} is not there: set dataStore.replicas to 1 first`, {})
  const place = placeOf(round, request.id)
  const order = orderSecret(place, {
    kind: 'load',
    id: request.id,
    storage: await storageAccess(snapshot.spec.storage, ref.namespace, deps),
    key: snapshot.status.key,
    sha256: snapshot.status.sha256,
    ...(snapshot.status.encrypted && { identity: await identityOf(request.identitySecretName, ref.namespace, deps) }),
  })
  await kube.apply(resourceTypes.secrets, order, { fieldManager, force: true, signal })
  const etcdImage = imagesOf(plane.spec.version, plane.registry).etcd
  const workBytes = quotaBytes(plane.spec.dataStore.storageSize) + 64 * 2 ** 20
  await kube.create(resourceTypes.jobs, loadJob({ ...place, image, etcdImage, claim: firstClaim, workBytes }), { signal })
}

const clean = async (round: Round, id: string, { kube, signal }: Deps): Promise<void> => {
  const { namespace, name } = placeOf(round, id)
  await kube.delete(resourceTypes.jobs, { namespace, name }, { propagationPolicy: 'Background', signal })
  await kube.delete(resourceTypes.secrets, { namespace, name }, { signal })
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

const isStopped = ({ observed }: Round): boolean =>
  Object.values(componentNames).every((name) =>
    podsOf(observed.pods, name).every((pod) => hasEnded(pod) && !pod.metadata.deletionTimestamp),
  )

/** Why what is stored cannot be loaded: looked at before anything is stopped for it. */
const unreadable = async (
  { ref }: Round,
  { identitySecretName }: RestoreRequest,
  snapshot: ControlPlaneSnapshot | undefined,
  deps: Deps,
): Promise<string | undefined> => {
  const { key, encrypted } = snapshot?.status ?? {}
  if (!snapshot || key === undefined) return 'the snapshot does not say where it lies'
  try {
    const access = await storageAccess(snapshot.spec.storage, ref.namespace, deps)
    const identity = encrypted ? { identity: await identityOf(identitySecretName, ref.namespace, deps) } : {}
    const store = deps.openStore(access, deps.signal)
    try {
      const { tenant } = await readHeader({ key, ...identity }, store)
      return tenant.uid === ref.uid ? undefined : `what is stored is of another tenant, of UID ${tenant.uid}`
    } finally {
      store.close()
    }
  } catch (error) {
    if (error instanceof AppError && error.code.startsWith('KUBE_')) throw error
    return explainError(error)
  }
}

const begin = async (round: Round, request: RestoreRequest, deps: Deps): Promise<RestoreStatus | undefined> => {
  const { tenant, plane, now } = round
  const { id, snapshotName } = request
  const startedAt = seconds(now)
  // It waits for one that is at rest, or has never served, to run.
  if (tenant.spec.state !== 'Running' || tenant.status?.version === undefined) return tenant.status?.restore
  const snapshot = await readSnapshot(round, snapshotName, deps)
  const refusal = restoreRefusal(request, snapshot, tenant, plane.storage) ?? (await unreadable(round, request, snapshot, deps))
  return refusal === undefined
    ? { id, snapshotName, phase: 'Stopping', message: 'the control plane is being stopped', startedAt }
    : { id, snapshotName, phase: 'Failed', message: refusal, startedAt, completedAt: startedAt }
}

/**
 * Takes a restore that is asked for one step further. Gives how it stands after that; what is to rest for it, rests already when its data are touched, and the
 * syncer knows of it. Done again for the same restore it changes nothing.
 */
export const advanceRestore = async (round: Round, deps: Deps): Promise<RestoreStatus | undefined> => {
  const { tenant, now } = round
  const present = tenant.status?.restore
  const request = restoreRequestOf(tenant)
  const isUnderWay = present !== undefined && present.phase !== 'Done' && present.phase !== 'Failed'
  if (!isUnderWay) {
    // What is over is told as long as it is asked for.
    if (!request || present?.id === request.id) return present
    return begin(round, request, deps)
  }
  if (present.phase === 'Starting') return present
  const place = placeOf(round, present.id)
  const job = await deps.kube.get(resourceTypes.jobs, { namespace: place.namespace, name: place.name }, { signal: deps.signal })
  const task: TaskState = taskState(job, podsOf(round.observed.pods, taskNames.restore), now)
  const view = { isStopped: isStopped(round), task, isReset: isAlone(round) && otherClaims(round).length === 0, serves: false }
  const action = nextRestoreAction(present, request?.id === present.id, view)
  try {
    if (action.kind === 'load' && request) await load(round, request, deps)
    if (action.kind === 'reset') await resetMembers(round, deps)
    if (action.kind === 'go' && action.phase !== 'Loading') await clean(round, present.id, deps)
  } catch (error) {
    if (!(error instanceof AppError) || error.policy.retry !== 'never') throw error
    return { ...present, phase: 'Failed', message: `the data are as before: ${explainError(error)}`, completedAt: seconds(now) }
  }
  if (action.kind !== 'go') return { ...present, message: action.message }
  return {
    ...present,
    phase: action.phase,
    message: action.message,
    ...(action.phase === 'Starting' && { loadedAt: seconds(now) }),
    ...(action.phase === 'Failed' && { completedAt: seconds(now) }),
  }
}

/** How a restore stands after the steps have run: over, once what it loaded serves. */
export const restoreAfter = (
  restore: RestoreStatus | undefined,
  results: readonly StepResult[],
  now: Date,
): RestoreStatus | undefined => {
  if (restore?.phase !== 'Starting') return restore
  const serves = ['data store', 'API server'].every((name) =>
    results.some((result) => result.step.name === name && isServing(result)),
  )
  const action = nextRestoreAction(restore, true, { isStopped: false, task: { kind: 'absent' }, isReset: true, serves })
  return action.kind === 'go' ? { ...restore, phase: action.phase, message: action.message, completedAt: seconds(now) } : restore
}
