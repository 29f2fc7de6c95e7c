import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { objectKey } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { inForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createInformer } from '../../kube/informer.ts'
import { explainError, hasCode } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { type Controller, createController, type Outcome } from '../../runtime/controller.ts'
import type { ControllerMetrics } from '../../runtime/metrics.ts'
import { openS3 } from '../../snapshots/s3-store.ts'
import { controlPlaneLabel, scheduleLabel, snapshotLabel } from '../../tenancy/marks.ts'
import { allOf } from '../apply.ts'
import { storeInForce } from '../data-stores/in-force.ts'
import type { Deps, TellEvent } from '../deps.ts'
import { keepDrills } from './keep-drills.ts'
import { reconcileSnapshot } from './reconcile-snapshot.ts'
import { nextScheduleAction, type ScheduleAction, scheduledSnapshot } from './schedule.ts'

const type = resourceTypes.controlPlaneSnapshots
/** Timers of this length and more are cut into pieces: a changed clock is noticed. */
const longestWaitMs = 10 * 60_000

/** Makes and deletes the snapshots of one tenant's schedule. */
export const keepSchedule = async (
  ref: { readonly namespace: string; readonly name: string },
  { kube, signal, now, log, tell }: Pick<Deps, 'kube' | 'signal' | 'now' | 'log' | 'tell'>,
): Promise<Outcome> => {
  const stored = await kube.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, ref, { signal })
  if (!stored || stored.metadata.deletionTimestamp) return { kind: 'done' }
  // What its class says of it is not known yet.
  if (stored.spec?.className !== undefined && stored.status?.class === undefined) return { kind: 'done' }
  const tenant = inForce(stored)
  const { schedule } = tenant.spec.backup
  if (schedule === undefined) return { kind: 'done' }
  if (storeInForce(tenant).kind !== 'dedicated') {
    const message = 'spec.backup.schedule: the tenant has no data store of its own: whoever runs that etcd saves it'
    tell(tenant, { type: 'Warning', reason: 'ScheduleInvalid', message })
    return { kind: 'done' }
  }
  const labelSelector = `${scheduleLabel}=${ref.name}`
  const { items } = await kube.list<ControlPlaneSnapshot>(type, { namespace: ref.namespace, labelSelector, signal })
  let action: ScheduleAction
  try {
    action = nextScheduleAction(tenant, items, now())
  } catch (error) {
    if (!hasCode(error, 'SPEC_INVALID')) throw error
    tell(tenant, { type: 'Warning', reason: 'ScheduleInvalid', message: explainError(error) })
    return { kind: 'done' }
  }
  // One at a time: the next one is due when this one is over.
  const isOneOpen = items.some(
    ({ metadata, status }) => !metadata.deletionTimestamp && status?.phase !== 'Complete' && status?.phase !== 'Failed',
  )
  if (action.due && !isOneOpen) {
    try {
      await kube.create(type, scheduledSnapshot(tenant, action.due), { signal })
    } catch (error) {
      if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
    }
  }
  for (const name of action.surplus) {
    log.info({ snapshot: name }, 'a snapshot beyond those that are kept is deleted')
    await kube.delete(type, { name, namespace: ref.namespace }, { signal })
  }
  if (!action.next) return { kind: 'done' }
  const untilNext = Math.max(1_000, action.next.getTime() - now().getTime())
  return { kind: 'wait', reason: 'Scheduled', retryAfterMs: Math.min(longestWaitMs, untilNext) }
}

const soonerOf = (a: Outcome, b: Outcome): Outcome =>
  a.kind === 'wait' && (b.kind !== 'wait' || (a.retryAfterMs ?? longestWaitMs) <= (b.retryAfterMs ?? longestWaitMs)) ? a : b

/** One after the other, the second also when the first fails; then throws what failed first. */
export const bothInTurn = async (first: () => Promise<Outcome>, second: () => Promise<Outcome>): Promise<Outcome> => {
  const begun = first()
  const followed = begun.then(second, second)
  await allOf([begun, followed])
  return soonerOf(await begun, await followed)
}

/** Controllers of ControlPlaneSnapshots, and of the schedules that make them. Keys of both are `namespace/name`. */
export const createSnapshotControllers = (options: {
  readonly kube: KubeClient
  readonly log: Log
  readonly now: () => Date
  readonly tell: TellEvent
  readonly image: string | undefined
  /** `registry.k8s.io`, or what takes its place. */
  readonly registry: string
  readonly metrics: ControllerMetrics | undefined
  /** Keys of tenants by UID. */
  readonly keyOfUid: ReadonlyMap<string, string>
  /** Told the key of a tenant of which there is news that its status has to tell. */
  readonly onDrill: (key: string) => void
}): {
  readonly snapshots: Controller
  readonly schedules: Controller
  /** All that are known; undefined before they are. */
  readonly knownSnapshots: () => readonly ControlPlaneSnapshot[] | undefined
} => {
  const { kube, log, now, tell, image, registry, metrics, keyOfUid, onDrill } = options
  const refOf = (key: string) => {
    const [namespace = '', name = ''] = key.split('/')
    return { namespace, name }
  }
  const snapshotInformer = createInformer<ControlPlaneSnapshot>({
    client: kube,
    type,
    log,
    // An installation whose kinds are applied a moment later goes on without it until then.
    optional: true,
    onEvent: (_, snapshot, old) => {
      const tenantKey = `${snapshot.metadata.namespace}/${snapshot.spec.tenantName}`
      snapshots.enqueue(objectKey(snapshot))
      schedules.enqueue(tenantKey)
      const [is, was] = [snapshot.status, old?.status]
      if (is?.drill?.result !== was?.drill?.result || is?.drill?.checkedAt !== was?.drill?.checkedAt || is?.phase !== was?.phase)
        onDrill(tenantKey)
    },
  })
  const jobInformer = createInformer({
    client: kube,
    type: resourceTypes.jobs,
    log,
    metadataOnly: true,
    labelSelector: `${controlPlaneLabel},${snapshotLabel}`,
    onEvent: (_, { metadata }) => {
      const [namespace] = keyOfUid.get(metadata.labels?.[controlPlaneLabel] ?? '')?.split('/') ?? []
      if (namespace !== undefined) snapshots.enqueue(`${namespace}/${metadata.labels?.[snapshotLabel]}`)
    },
  })
  const snapshots: Controller = createController({
    name: 'snapshots',
    log,
    concurrency: 4,
    sources: [snapshotInformer, jobInformer],
    ...(metrics && { metrics }),
    reconcile: (key, signal) =>
      reconcileSnapshot(refOf(key), {
        kube,
        signal,
        now,
        log: log.child({ snapshot: key }),
        image,
        registry,
        tell,
        openStore: openS3,
      }),
  })
  const knownSnapshots = () => (snapshotInformer.hasSynced ? snapshotInformer.list() : undefined)
  const schedules: Controller = createController({
    name: 'snapshot-schedules',
    log,
    concurrency: 1,
    ...(metrics && { metrics }),
    reconcile: async (key, signal) => {
      const deps = { kube, signal, now, tell, log: log.child({ tenant: key }) }
      return bothInTurn(
        () => keepSchedule(refOf(key), deps),
        () => keepDrills(refOf(key), { ...deps, snapshots: knownSnapshots }),
      )
    },
  })
  return { snapshots, schedules, knownSnapshots }
}
