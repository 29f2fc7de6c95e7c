import type { Condition } from '../../apis/conditions.ts'
import { quantityValue } from '../../apis/quantity.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { AppError, explainError, hasCode } from '../../lib/errors.ts'
import {
  type Disk,
  type DiskPlan,
  type DiskView,
  disksIn,
  type ExpandableClasses,
  planDisks,
  templateSize,
} from '../data-stores/disk-plan.ts'
import type { Deps } from '../deps.ts'
import { componentNames } from '../names.ts'
import type { Round } from '../steps.ts'

/** How the disks of a data store stand after a round. */
export interface DiskState {
  /** The size that holds from now on, to be noted in the status before anything is done for it. */
  readonly note?: string | undefined
  /** What people are told; undefined: the disks are as wanted. */
  readonly condition?: Pick<Condition, 'status' | 'reason' | 'message'> | undefined
  /** When to look again: no watch tells of volumes. */
  readonly retryAfterMs?: number
}

/** A volume takes seconds to grow, or as long as somebody needs to mend what keeps it from that. */
const lookAgainMs = { growing: 2_000, stuck: 15_000 }

type Reading = Pick<Deps, 'kube' | 'signal'>

/** Whether volumes of the classes of these disks can grow; a class that is gone is undefined. */
export const readClasses = async (disks: readonly Disk[], { kube, signal }: Reading): Promise<ExpandableClasses> => {
  const names = [...new Set(disks.flatMap(({ className }) => className ?? []))]
  return new Map(
    await Promise.all(
      names.map(async (name) => {
        const found = await kube.get(resourceTypes.storageClasses, { name }, { signal })
        return [name, found && found['allowVolumeExpansion'] === true] as const
      }),
    ),
  )
}

const viewOf = async (
  { plane, observed }: Round,
  { storageSize: wanted }: TenantControlPlaneSpec['dataStore'],
  deps: Reading,
): Promise<DiskView> => {
  const disks = disksIn(observed.objects.values())
  const noted = plane.spec.dataStore.storageSize
  return {
    wanted,
    noted,
    storage: plane.storage.kind,
    disks,
    // They are asked for only while a change is to be judged.
    classes: quantityValue(wanted) === quantityValue(noted) ? new Map() : await readClasses(disks, deps),
    template: templateSize(observed.objects.get(`StatefulSet/${componentNames.etcd}`)),
  }
}

/** Asks for the noted size. Gives what super has against it, in words. */
const askFor = async ({ ask }: DiskPlan, { plane }: Round, { kube, signal, log }: Deps): Promise<string | undefined> => {
  const { storageSize } = plane.spec.dataStore
  for (const { name, uid } of ask) {
    const body = { metadata: { uid }, spec: { resources: { requests: { storage: storageSize } } } }
    try {
      await kube.patch(resourceTypes.persistentVolumeClaims, { name, namespace: plane.namespace }, body, {
        type: 'merge',
        signal,
      })
      log.info({ claim: name, storageSize }, 'volume of an etcd member is to grow')
    } catch (error) {
      if (!hasCode(error, 'KUBE_FORBIDDEN', 'KUBE_INVALID')) throw error
      return `super does not let ${name} grow to ${storageSize}: ${explainError(error).slice(0, 500)}`
    }
  }
  return undefined
}

/** Its pods stay as they are, without an owner until it is made again: of the same pods' labels and template, so that it takes them over as they are. */
const forgetWorkload = async ({ observed, plane }: Round, { kube, signal, log }: Deps): Promise<void> => {
  const name = componentNames.etcd
  const { uid = '' } = observed.objects.get(`StatefulSet/${name}`)?.metadata ?? {}
  log.info({ storageSize: plane.spec.dataStore.storageSize }, 'StatefulSet of etcd is made anew around its pods')
  await kube.delete(
    resourceTypes.statefulSets,
    { name, namespace: plane.namespace },
    { uid, propagationPolicy: 'Orphan', signal },
  )
}

const conditionOf = ({ refusal, progress, note, remake, isStuck }: DiskPlan, against: string | undefined): DiskState => {
  const problem = refusal ?? against
  const moving = progress ?? (note !== undefined ? `to ${note}` : remake ? 'new members get larger ones' : undefined)
  if (problem === undefined && moving === undefined) return {}
  const growing = moving === undefined ? '' : `disks grow: ${moving}. etcd goes on meanwhile`
  const message = [problem, growing]
    .filter((text) => text)
    .join('; ')
    .slice(0, 4000)
  if (problem === undefined && !isStuck)
    return { note, condition: { status: 'True', reason: 'Growing', message }, retryAfterMs: lookAgainMs.growing }
  const reason = problem === undefined ? 'Stuck' : 'Refused'
  return {
    note,
    condition: { status: 'False', reason, message },
    // What is only refused is looked at as often as a tenant that is well.
    ...((moving !== undefined || against !== undefined) && { retryAfterMs: lookAgainMs.stuck }),
  }
}

/**
 * Takes the disks of a tenant's own data store one step closer to the size that is wanted: noted first, then asked for, then also what new members get. None of it
 * ends a pod, and each part is found by what is there, whoever was killed before. `isSettled`: the data store serves, and nothing else is done to it in this round.
 */
const advanceDisks = async (
  round: Round,
  { wanted, isSettled }: { readonly wanted: TenantControlPlaneSpec['dataStore']; readonly isSettled: boolean },
  deps: Deps,
): Promise<DiskState> => {
  const { dataStore } = round.plane.spec
  if (dataStore.kind !== 'dedicated' || wanted.kind !== 'dedicated') return {}
  const plan = planDisks(await viewOf(round, wanted, deps))
  const against = await askFor(plan, round, deps)
  if (plan.remake && isSettled) await forgetWorkload(round, deps)
  const state = conditionOf(plan, against)
  const wasGrowing = round.tenant.status?.conditions?.some(({ type, reason }) => type === 'Growing' && reason !== 'Refused')
  if (wasGrowing && !state.condition) {
    const message = `all members of etcd have disks of ${dataStore.storageSize}`
    deps.tell(round.tenant, { type: 'Normal', reason: 'Grown', message })
  }
  return state
}

/** A data store that serves is no worse because its disks could not be looked after once. */
export const triedDisks: typeof advanceDisks = async (round, given, deps) => {
  try {
    return await advanceDisks(round, given, deps)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    deps.log.warn({ error: explainError(error) }, 'disks of etcd could not be looked after; it is tried again')
    const before = round.tenant.status?.conditions?.find(({ type }) => type === 'Growing')
    return { ...(before && { condition: before }), retryAfterMs: lookAgainMs.growing }
  }
}

/** What is told of disks while their tenant is at rest, is restored or moves: all of that goes first. */
export const heldDisks = (
  { plane, tenant }: Pick<Round, 'plane' | 'tenant'>,
  { kind, storageSize }: TenantControlPlaneSpec['dataStore'],
): DiskState => {
  const { dataStore } = plane.spec
  const before = tenant.status?.conditions?.find(({ type }) => type === 'Growing')
  const isLarger = quantityValue(storageSize) > quantityValue(dataStore.storageSize)
  if (kind !== 'dedicated' || dataStore.kind !== 'dedicated' || !(isLarger || before)) return {}
  // Whoever is to help can do so meanwhile.
  if (before?.reason === 'Refused') return { condition: before }
  const message = `disks grow to ${isLarger ? storageSize : dataStore.storageSize} when the tenant runs again`
  return { condition: { status: 'True', reason: 'Waiting', message } }
}
