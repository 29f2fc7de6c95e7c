import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { readHeader } from '../../snapshots/load.ts'
import { shortHash } from '../../tenancy/names.ts'
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
import {
  bumpOf,
  nextRestoreAction,
  type RestoreAction,
  type RestoreRequest,
  restoreRefusal,
  restoreRequestOf,
} from '../snapshots/restore-plan.ts'
import { identityOf, storageAccess } from '../snapshots/storage-access.ts'
import { loadJob, orderSecret, settleJob, type TaskPlace } from '../snapshots/task-objects.ts'
import { taskState } from '../snapshots/task-state.ts'
import { isServing, type Round, type StepResult } from '../steps.ts'
import { imagesOf } from '../versions.ts'

const seconds = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, 'Z')

/** The Job that brings the data, or the one that puts them in their place. */
const placeOf = ({ plane, ref }: Round, { id, phase }: Pick<RestoreStatus, 'id' | 'phase'>): Omit<TaskPlace, 'image'> => ({
  tenant: ref,
  namespace: plane.namespace,
  name: `restore-${id}${phase === 'Swapping' ? '-swap' : ''}`,
})

const readSnapshot = ({ ref }: Round, name: string, { kube, signal }: Deps): Promise<ControlPlaneSnapshot | undefined> =>
  kube.get<ControlPlaneSnapshot>(resourceTypes.controlPlaneSnapshots, { namespace: ref.namespace, name }, { signal })

const claimsOf = ({ observed }: Round): KubeObject[] =>
  [...observed.objects.values()].filter(({ kind }) => kind === 'PersistentVolumeClaim')

const firstClaim = `data-${etcdMember(0)}`

const imageOf = ({ image }: Deps): string => {
  if (image !== undefined) return image
  throw new AppError('CONFIG_INVALID', "the manager does not know Berth's own image: set BERTH_IMAGE in its Deployment", {})
}

/** Makes the pod that brings the data, and what it needs for that. */
const load = async (round: Round, restore: RestoreStatus, request: RestoreRequest, deps: Deps): Promise<void> => {
  const { kube, signal } = deps
  const { plane, ref, observed } = round
  const snapshot = await readSnapshot(round, request.snapshotName, deps)
  if (snapshot?.status?.key === undefined || snapshot.status.sha256 === undefined)
    throw new AppError('SPEC_INVALID', `ControlPlaneSnapshot ${ref.namespace}/${request.snapshotName} is not there any more`, {})
  if (!observed.objects.has(`PersistentVolumeClaim/${firstClaim}`))
    throw new AppError('SPEC_INVALID', `the volume of ${etcdMember(0)} is not there: set dataStore.replicas to 1 first`, {})
  const place = placeOf(round, restore)
  const order = orderSecret(place, {
    kind: 'load',
    storage: await storageAccess(snapshot.spec.storage, ref.namespace, deps),
    key: snapshot.status.key,
    sha256: snapshot.status.sha256,
    ...(snapshot.status.encrypted && { identity: await identityOf(request.identitySecretName, ref.namespace, deps) }),
  })
  await kube.apply(resourceTypes.secrets, order, { fieldManager, force: true, signal })
  const etcdImage = imagesOf(plane.spec.version, plane.registry).etcd
  const workBytes = quotaBytes(plane.spec.dataStore.storageSize) + 64 * 2 ** 20
  const bumpRevision = bumpOf(snapshot.status.revision, deps.now())
  const job = loadJob({ ...place, image: imageOf(deps), etcdImage, claim: firstClaim, workBytes, bumpRevision })
  await kube.create(resourceTypes.jobs, job, { signal })
}

const swap = (round: Round, restore: RestoreStatus, deps: Deps): Promise<KubeObject> => {
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
    const job = await deps.kube.get(resourceTypes.jobs, { namespace: place.namespace, name: place.name }, { signal: deps.signal })
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

const workloads = [
  `StatefulSet/${componentNames.etcd}`,
  `Deployment/${componentNames.kubeApiServer}`,
  `Deployment/${componentNames.kubeControllerManager}`,
]

/** No pod is there, and none comes: the controllers have heard that none is wanted. */
const isStopped = ({ observed }: Round): boolean =>
  workloads.every((id) => {
    const workload = observed.objects.get(id)
    if (!workload) return true
    const { metadata, spec, status } = workload
    return spec?.replicas === 0 && (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) && !status?.replicas
  }) && Object.values(componentNames).every((name) => podsOf(observed.pods, name).every(isOver))

const isOver = (pod: KubeObject): boolean => hasEnded(pod) && !pod.metadata.deletionTimestamp

/** A store that takes longer to answer is no store to restore from just now. */
const storeMs = 15_000

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
    const store = deps.openStore(access, AbortSignal.any([deps.signal, AbortSignal.timeout(storeMs)]))
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
  const startedAt = seconds(now)
  const begun = {
    request: request.request,
    id: shortHash([request.request, now.toISOString()], 12),
    snapshotName: request.snapshotName,
    startedAt,
  }
  // It waits for one that is at rest, or has never served, to run.
  if (tenant.spec.state !== 'Running' || tenant.status?.version === undefined) return tenant.status?.restore
  const snapshot = await readSnapshot(round, request.snapshotName, deps)
  const refusal = restoreRefusal(request, snapshot, tenant, plane.storage) ?? (await unreadable(round, request, snapshot, deps))
  return refusal === undefined
    ? { ...begun, phase: 'Stopping', message: 'the control plane is being stopped' }
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
  const request = restoreRequestOf(tenant)
  if (!present || present.phase === 'Done' || present.phase === 'Failed') {
    // Not before it is written down how it ended.
    if (present) await cleanAll(round, present, deps)
    // What is over is told as long as it is asked for.
    return !request || present?.request === request.request ? present : begin(round, request, deps)
  }
  if (present.phase === 'Starting') {
    await cleanAll(round, present, deps)
    return present
  }
  const { namespace, name } = placeOf(round, present)
  const job = await deps.kube.get(resourceTypes.jobs, { namespace, name }, { signal: deps.signal })
  const pods = podsOf(observed.pods, taskNames.restore)
  const action = nextRestoreAction(present, request?.request === present.request, {
    isStopped: isStopped(round),
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
    const message = `the data are as before: ${explainError(error)}`.slice(0, 4000)
    return { ...present, phase: 'Failed', message, completedAt: seconds(now) }
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
  return action.kind === 'go' ? { ...restore, phase: action.phase, message: action.message, completedAt: seconds(now) } : restore
}
