import { setCondition } from '../../apis/conditions.ts'
import type { ControlPlaneSnapshot, ControlPlaneSnapshotStatus } from '../../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { SnapshotTask } from '../../apis/snapshot-task.ts'
import { inForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { AppError, explainError, hasCode } from '../../lib/errors.ts'
import type { Outcome } from '../../runtime/controller.ts'
import { snapshotFinalizer, snapshotLabel } from '../../tenancy/marks.ts'
import { controlPlaneNamespace, shortHash } from '../../tenancy/names.ts'
import { slicesOf } from '../../tenancy/slices.ts'
import { hashOf } from '../apply.ts'
import { etcdPorts } from '../data-stores/etcd-config.ts'
import type { Deps } from '../deps.ts'
import { storeEndpoint } from '../endpoints.ts'
import { componentNames, fieldManager, secretNames } from '../names.ts'
import { decoded, planePlaceOf, refOf } from '../observe.ts'
import { rootSecrets } from './clone-order.ts'
import { advanceDrill, drillName } from './reconcile-drill.ts'
import { nextSnapshotAction, type SnapshotAction, storedKey } from './snapshot-plan.ts'
import { storageAccess } from './storage-access.ts'
import { orderSecret, saveJob, type TaskPlace } from './task-objects.ts'
import { type TaskState, taskState } from './task-state.ts'

/** What is done with snapshots uses this of the world. */
export type SnapshotDeps = Pick<Deps, 'kube' | 'signal' | 'now' | 'log' | 'image' | 'openStore' | 'registry' | 'tell'>

const type = resourceTypes.controlPlaneSnapshots

/** Of Job and Secret. */
const taskName = ({ metadata }: ControlPlaneSnapshot): string => `snapshot-${shortHash([metadata.uid ?? ''], 12)}`

const placeOf = (snapshot: ControlPlaneSnapshot, tenant: TenantControlPlane): Omit<TaskPlace, 'image'> => {
  const ref = refOf(tenant)
  const labels = { [snapshotLabel]: snapshot.metadata.name ?? '' }
  return { tenant: ref, namespace: controlPlaneNamespace(ref), name: taskName(snapshot), labels }
}

const readTask = async (place: Omit<TaskPlace, 'image'>, { kube, signal, now }: SnapshotDeps): Promise<TaskState> => {
  const { namespace, name } = place
  const [job, pods] = await Promise.all([
    kube.get(resourceTypes.jobs, { namespace, name }, { signal }),
    kube.list(resourceTypes.pods, { namespace, labelSelector: `batch.kubernetes.io/job-name=${name}`, signal }),
  ])
  return taskState(job, pods.items, now())
}

const readRootSecrets = async (
  namespace: string,
  { kube, signal }: SnapshotDeps,
): Promise<Record<string, Record<string, string>>> => {
  const secrets = await Promise.all(rootSecrets.map((name) => kube.get(resourceTypes.secrets, { namespace, name }, { signal })))
  return Object.fromEntries(secrets.flatMap((secret) => (secret ? [[secret.metadata.name ?? '', decoded(secret.data)]] : [])))
}

const orderOf = async (
  snapshot: ControlPlaneSnapshot,
  { tenant, namespace }: Omit<TaskPlace, 'image'>,
  plane: TenantControlPlane,
  deps: SnapshotDeps,
): Promise<SnapshotTask> => {
  const keys = await deps.kube.get(resourceTypes.secrets, { namespace, name: secretNames.kubeApiServer }, { signal: deps.signal })
  const text = (key: string): string => Buffer.from((keys?.data?.[key] as string | undefined) ?? '', 'base64').toString('utf8')
  return {
    kind: 'save',
    etcd: {
      server: storeEndpoint(planePlaceOf(plane), etcdPorts.client),
      serverName: componentNames.etcd,
      ca: text('etcd-ca.crt'),
      clientCert: text('etcd-client.crt'),
      clientKey: text('etcd-client.key'),
    },
    storage: await storageAccess(snapshot.spec.storage, snapshot.metadata.namespace ?? '', deps),
    key: storedKey(snapshot),
    header: {
      format: 'berth-snapshot/1',
      tenant,
      version: plane.status?.version ?? '',
      createdAt: deps.now().toISOString(),
      slices: [...slicesOf(plane.status)],
      // Whoever reads it can be this tenant: never in what lies open in a bucket.
      ...(snapshot.spec.recipients.length > 0 && { roots: await readRootSecrets(namespace, deps) }),
    },
    recipients: snapshot.spec.recipients,
  }
}

const start = async (snapshot: ControlPlaneSnapshot, plane: TenantControlPlane, deps: SnapshotDeps): Promise<void> => {
  const { kube, signal, image } = deps
  if (image === undefined)
    throw new AppError('CONFIG_INVALID', "the manager does not know Berth's own image: set BERTH_IMAGE in its Deployment", {})
  const place = placeOf(snapshot, plane)
  const order = orderSecret(place, await orderOf(snapshot, place, plane, deps))
  await kube.apply(resourceTypes.secrets, order, { fieldManager, force: true, signal })
  await kube.create(resourceTypes.jobs, saveJob({ ...place, image }), { signal })
}

/** The pod and its order, which has keys in it, are of no use any more. */
const clean = async (
  { namespace, name }: Pick<TaskPlace, 'namespace' | 'name'>,
  { kube, signal }: SnapshotDeps,
): Promise<void> => {
  // In this order: the Job says that there is something to clean.
  await kube.delete(resourceTypes.secrets, { namespace, name }, { signal })
  await kube.delete(resourceTypes.jobs, { namespace, name }, { propagationPolicy: 'Background', signal })
}

const statusOf = (
  snapshot: ControlPlaneSnapshot,
  action: SnapshotAction,
  tenant: TenantControlPlane | undefined,
  now: Date,
): ControlPlaneSnapshotStatus => {
  const { status = {}, spec, metadata } = snapshot
  const complete = (is: 'True' | 'False', reason: string, message: string) => ({
    conditions: [
      ...setCondition<string>(
        status.conditions ?? [],
        { type: 'Complete', status: is, reason, message, observedGeneration: metadata.generation ?? 0 },
        now,
      ),
    ],
  })
  switch (action.kind) {
    case 'rest':
      return status
    case 'start':
      return {
        ...status,
        phase: 'Running',
        key: storedKey(snapshot),
        location: `s3://${spec.storage.s3.bucket}/${storedKey(snapshot)}`,
        encrypted: spec.recipients.length > 0,
        startedAt: timestamp(now),
        ...(tenant?.metadata.uid !== undefined && { tenantUid: tenant.metadata.uid }),
        ...(tenant?.status?.version !== undefined && { version: tenant.status.version }),
        ...complete('False', 'Saving', 'the data are being saved'),
      }
    case 'wait':
      return { ...status, phase: status.phase ?? 'Pending', ...complete('False', action.reason, action.message) }
    case 'complete':
      return {
        ...status,
        ...action.result,
        phase: 'Complete',
        completedAt: timestamp(now),
        ...complete('True', 'Saved', `${action.result.sizeBytes} bytes are stored`),
      }
    case 'fail':
      return {
        ...status,
        phase: 'Failed',
        completedAt: timestamp(now),
        ...complete('False', action.reason, action.message.slice(0, 4000)),
      }
  }
}

const writeStatus = async (
  snapshot: ControlPlaneSnapshot,
  status: ControlPlaneSnapshotStatus,
  deps: SnapshotDeps,
): Promise<void> => {
  if (hashOf(snapshot.status ?? {}) === hashOf(status)) return
  await deps.kube.replace(type, { ...snapshot, status }, { subresource: 'status', signal: deps.signal })
}

/** A store that takes longer to answer is asked again later: others wait for their turn. */
const storeMs = 15_000

const isGoing = async (name: string, { kube, signal }: SnapshotDeps): Promise<boolean> =>
  (await kube.get(resourceTypes.namespaces, { name }, { signal }))?.metadata.deletionTimestamp !== undefined

const letGo = async ({ metadata }: ControlPlaneSnapshot, { kube, signal }: SnapshotDeps): Promise<Outcome> => {
  const finalizers = metadata.finalizers?.filter((name) => name !== snapshotFinalizer)
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } }
  await kube.patch(type, { name: '', ...metadata }, body, { type: 'merge', signal })
  return { kind: 'done' }
}

/** Takes away what is stored, then lets the object go. Retain lets it go at once. */
const remove = async (
  snapshot: ControlPlaneSnapshot,
  place: Omit<TaskPlace, 'image'> | undefined,
  deps: SnapshotDeps,
): Promise<Outcome> => {
  const { metadata, spec, status } = snapshot
  if (!metadata.finalizers?.includes(snapshotFinalizer)) return { kind: 'done' }
  if (place) {
    await clean(place, deps)
    await clean({ ...place, name: drillName(snapshot) }, deps)
  }
  if (spec.deletionPolicy === 'Delete' && status?.key !== undefined) {
    try {
      const within = AbortSignal.any([deps.signal, AbortSignal.timeout(storeMs)])
      const store = deps.openStore(await storageAccess(spec.storage, metadata.namespace ?? '', deps), within)
      try {
        await store.remove(status.key)
      } finally {
        store.close()
      }
    } catch (error) {
      // Nobody can make the Secret again in a namespace that goes.
      if (hasCode(error, 'SPEC_INVALID') && (await isGoing(metadata.namespace ?? '', deps))) return letGo(snapshot, deps)
      const message =
        `what is stored cannot be deleted: ${explainError(error)}. To let it lie, set spec.deletionPolicy to Retain`.slice(
          0,
          4000,
        )
      const conditions = setCondition<string>(
        status.conditions ?? [],
        { type: 'Complete', status: status.phase === 'Complete' ? 'True' : 'False', reason: 'NotDeleted', message },
        deps.now(),
      )
      await writeStatus(snapshot, { ...status, conditions: [...conditions] }, deps)
      return { kind: 'wait', reason: 'NotDeleted', message, retryAfterMs: 10_000 }
    }
  }
  return letGo(snapshot, deps)
}

const withFinalizer = async (snapshot: ControlPlaneSnapshot, { kube, signal }: SnapshotDeps): Promise<ControlPlaneSnapshot> => {
  const { finalizers = [], resourceVersion } = snapshot.metadata
  if (finalizers.includes(snapshotFinalizer)) return snapshot
  const body = { metadata: { finalizers: [...finalizers, snapshotFinalizer], resourceVersion } }
  return kube.patch(type, { name: '', ...snapshot.metadata }, body, { type: 'merge', signal })
}

/** What a person has to mend, and then make another snapshot. */
const tried = async (work: () => Promise<void>, action: SnapshotAction): Promise<SnapshotAction> => {
  try {
    await work()
    return action
  } catch (error) {
    if (error instanceof AppError && error.policy.retry === 'never')
      return { kind: 'fail', reason: 'NotStarted', message: explainError(error) }
    throw error
  }
}

/** How often a drill is looked at that is under way. */
const drillMs = 2000

/** Carries the drill of a snapshot on that is over, and tells how it ended. */
const drilled = async (
  snapshot: ControlPlaneSnapshot,
  { tenant, place }: { tenant: TenantControlPlane | undefined; place: Omit<TaskPlace, 'image'> | undefined },
  deps: SnapshotDeps,
): Promise<Outcome> => {
  if (!snapshot.spec.drill && !snapshot.status?.drill) return { kind: 'done' }
  const drillPlace = place && { ...place, name: drillName(snapshot) }
  const task: TaskState = drillPlace ? await readTask(drillPlace, deps) : { kind: 'absent' }
  const tidy = async (): Promise<void> => (drillPlace ? clean(drillPlace, deps) : undefined)
  const forget = async (): Promise<void> => {
    const { kube, signal } = deps
    if (drillPlace)
      await kube.delete(resourceTypes.secrets, { namespace: drillPlace.namespace, name: drillPlace.name }, { signal })
  }
  const before = snapshot.status?.drill
  const drill = await advanceDrill(snapshot, { plane: tenant, place: drillPlace, task, clean: tidy, forget }, deps)
  if (!drill) return { kind: 'done' }
  const { result, message } = drill
  const status = ({ Passed: 'True', Failed: 'False', Running: 'Unknown' } as const)[result]
  const verified = { type: 'Verified', status, reason: result, message, observedGeneration: snapshot.metadata.generation ?? 0 }
  const conditions = [...setCondition<string>(snapshot.status?.conditions ?? [], verified, deps.now())]
  await writeStatus(snapshot, { ...snapshot.status, drill, conditions }, deps)
  if (result === 'Failed' && tenant && (before?.result !== 'Failed' || before.request !== drill.request))
    deps.tell(tenant, {
      type: 'Warning',
      reason: 'DrillFailed',
      message: `snapshot ${snapshot.metadata.name}: ${message}`.slice(0, 1000),
    })
  return result === 'Running' || task.kind !== 'absent'
    ? { kind: 'wait', reason: 'Drilling', retryAfterMs: drillMs }
    : { kind: 'done' }
}

/** Brings one snapshot to its end: data saved by a pod in the tenant's control-plane namespace, result noted, order deleted. Can be cut off anywhere. */
export const reconcileSnapshot = async (
  ref: { readonly namespace: string; readonly name: string },
  deps: SnapshotDeps,
): Promise<Outcome> => {
  const { kube, signal, now } = deps
  const stored = await kube.get<ControlPlaneSnapshot>(type, ref, { signal })
  if (!stored) return { kind: 'done' }
  const found = await kube.get<TenantControlPlane>(
    resourceTypes.tenantControlPlanes,
    { name: stored.spec.tenantName, namespace: ref.namespace },
    { signal },
  )
  const tenant = found && inForce(found)
  const place = tenant && placeOf(stored, tenant)
  if (stored.metadata.deletionTimestamp) return remove(stored, place, deps)
  const snapshot = await withFinalizer(stored, deps)
  const isOver = snapshot.status?.phase === 'Complete' || snapshot.status?.phase === 'Failed'
  const task: TaskState = place ? await readTask(place, deps) : { kind: 'absent' }
  let action = nextSnapshotAction(snapshot, tenant, task)
  // Noted before it begins: what is stored under this key is to be found again, whatever becomes of this process.
  if (action.kind === 'start' && snapshot.status?.key === undefined) {
    await writeStatus(snapshot, statusOf(snapshot, action, tenant, now()), deps)
    return { kind: 'wait', reason: 'Saving', retryAfterMs: 0 }
  }
  if (action.kind === 'start' && tenant) action = await tried(() => start(snapshot, tenant, deps), action)
  if (!(action.kind === 'start')) await writeStatus(snapshot, statusOf(snapshot, action, tenant, now()), deps)
  if (place && isOver && task.kind !== 'absent') await clean(place, deps)
  if (isOver && (task.kind === 'absent' || !place)) return drilled(snapshot, { tenant, place }, deps)
  return { kind: 'wait', reason: action.kind, retryAfterMs: action.kind === 'complete' || action.kind === 'fail' ? 0 : 1000 }
}
