import { randomBytes } from 'node:crypto'
import type { ControlPlaneSnapshot, DrillStatus } from '../../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { LoadOrder } from '../../apis/snapshot-task.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { timestamp } from '../../apis/timestamp.ts'
import { AppError, explainError } from '../../lib/errors.ts'
import { shortHash } from '../../tenancy/names.ts'
import { quotaBytes } from '../data-stores/etcd-config.ts'
import { fieldManager } from '../names.ts'
import type { KubernetesVersion } from '../versions.ts'
import { imagesOf } from '../versions.ts'
import { headerOf, sourceKeyOf } from './clone-order.ts'
import { drillJob, drillKeys, drillSecret } from './drill-objects.ts'
import { type DrillAction, drillRefusal, drillRequestOf, nextDrillAction } from './drill-plan.ts'
import type { SnapshotDeps } from './reconcile-snapshot.ts'
import { identityOf, storageAccess } from './storage-access.ts'
import type { TaskPlace } from './task-objects.ts'
import type { TaskState } from './task-state.ts'

/** Of Job and Secret. */
export const drillName = ({ metadata }: ControlPlaneSnapshot): string => `snapshot-drill-${shortHash([metadata.uid ?? ''], 12)}`

const orderFor = async (
  { spec, status, metadata: { namespace = '' } }: ControlPlaneSnapshot,
  own: string,
  deps: SnapshotDeps,
): Promise<LoadOrder & { readonly slices: readonly string[] }> => {
  const { drill } = spec
  const stored = {
    storage: await storageAccess(spec.storage, namespace, deps),
    key: status?.key ?? '',
    ...(status?.encrypted && {
      identity: await identityOf({ name: drill?.identitySecretName, field: 'spec.drill.identitySecretName' }, namespace, deps),
    }),
  }
  const header = await headerOf(stored, deps)
  if (header.tenant.uid !== status?.tenantUid || header.tenant.namespace !== namespace)
    throw new AppError('SNAPSHOT_UNREADABLE', `what is stored is of another tenant, of UID ${header.tenant.uid}`, {})
  const source = await sourceKeyOf(header, deps)
  if (source === undefined)
    throw new AppError('SNAPSHOT_UNREADABLE', 'the key that Secrets are encrypted with is not to be had: is the tenant gone?', {})
  const remap = { keys: { source, own } }
  return { kind: 'load', ...stored, sha256: status?.sha256 ?? '', remap, slices: header.slices ?? [] }
}

const start = async (
  snapshot: ControlPlaneSnapshot,
  { place, plane }: { place: Omit<TaskPlace, 'image'>; plane: TenantControlPlane },
  deps: SnapshotDeps,
): Promise<void> => {
  const { kube, signal, image, registry } = deps
  if (image === undefined)
    throw new AppError('CONFIG_INVALID', "the manager does not know Berth's own image: set BERTH_IMAGE in its Deployment", {})
  const own = randomBytes(32).toString('base64')
  const { slices, ...order } = await orderFor(snapshot, own, deps)
  const { access, files } = await drillKeys(own, deps.now())
  await kube.apply(resourceTypes.secrets, drillSecret(place, { ...order, drill: access }, files), {
    fieldManager,
    force: true,
    signal,
  })
  const job = drillJob({
    ...place,
    image,
    images: imagesOf(snapshot.status?.version as KubernetesVersion, registry),
    fileNames: Object.keys(files),
    slice: slices[0] ?? plane.status?.serviceSlice ?? '10.0.0.0/24',
    quotaBytes: quotaBytes(plane.spec.dataStore.storageSize),
  })
  await kube.create(resourceTypes.jobs, job, { signal })
}

const statusAfter = (
  present: DrillStatus | undefined,
  action: DrillAction,
  request: string,
  now: Date,
): DrillStatus | undefined => {
  const begun = { request, result: 'Running', message: 'it is being started', startedAt: timestamp(now) } as const
  switch (action.kind) {
    case 'begin':
      return begun
    case 'wait':
      return present && { ...present, message: action.message }
    case 'end': {
      // One that was taken back is the one that there was.
      const since = present && (request === '' || present.request === request) ? present : begun
      const { problems: _, ...seen } = action.seen ?? { problems: [] }
      const took = Math.max(0, Math.round((now.getTime() - Date.parse(since.startedAt)) / 1000))
      return { ...since, ...seen, result: action.result, message: action.message, checkedAt: timestamp(now), seconds: took }
    }
    case 'none':
    case 'clean':
    case 'start':
      return present
  }
}

/** What a person has to mend ends a drill; all else is tried again. */
const refusedBy = async (work: () => Promise<void>, action: DrillAction): Promise<DrillAction> => {
  try {
    await work()
    return action
  } catch (error) {
    if (!(error instanceof AppError) || error.policy.retry !== 'never') throw error
    return { kind: 'end', result: 'Failed', message: explainError(error).slice(0, 4000) }
  }
}

/**
 * Takes the drill of a snapshot one step further, and gives how it stands after that. Done again it changes nothing. `clean` takes its Job and its Secret away, `forget` the
 * Secret alone.
 */
export const advanceDrill = async (
  snapshot: ControlPlaneSnapshot,
  world: {
    readonly plane: TenantControlPlane | undefined
    readonly place: Omit<TaskPlace, 'image'> | undefined
    readonly task: TaskState
    readonly clean: () => Promise<void>
    readonly forget: () => Promise<void>
  },
  deps: SnapshotDeps,
): Promise<DrillStatus | undefined> => {
  const { plane, place, task } = world
  const present = snapshot.status?.drill
  const request = drillRequestOf(snapshot)
  let action = nextDrillAction(present, request, task)
  if (action.kind === 'clean') await world.clean()
  const refusal = action.kind === 'begin' || action.kind === 'start' ? drillRefusal(snapshot, plane) : undefined
  if (refusal !== undefined) action = { kind: 'end', result: 'Failed', message: refusal }
  if (action.kind === 'start' && place && plane) action = await refusedBy(() => start(snapshot, { place, plane }, deps), action)
  // It has keys in it. The Job has the answer until that is written down, and may be gone already.
  if (action.kind === 'end') await world.forget()
  return statusAfter(present, action, request ?? '', deps.now())
}
