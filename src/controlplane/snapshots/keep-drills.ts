import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { inForce } from '../../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { hasCode } from '../../lib/errors.ts'
import type { Outcome } from '../../runtime/controller.ts'
import { storeInForce } from '../data-stores/in-force.ts'
import type { Deps } from '../deps.ts'
import { type DrillDue, drillOrder, hasRoomForDrill, nextDrill } from './drill-schedule.ts'

const type = resourceTypes.controlPlaneSnapshots
/** Timers of this length and more are cut into pieces: a changed clock is noticed. */
const longestWaitMs = 10 * 60_000
/** A drill takes about a minute. */
const turnMs = 60_000

/**
 * Asks for the drill that one tenant's schedule has due. Only asks: the snapshot's own controller carries it out, and the tenant's says how it ended. What is wrong
 * with the schedule is told there as well. While enough drills are open in the installation, a due one waits for its turn.
 */
export const keepDrills = async (
  ref: { readonly namespace: string; readonly name: string },
  {
    kube,
    signal,
    now,
    log,
    snapshots,
  }: Pick<Deps, 'kube' | 'signal' | 'now' | 'log'> & {
    /** All that are known, of all tenants; undefined before they are. */
    readonly snapshots: () => readonly ControlPlaneSnapshot[] | undefined
  },
): Promise<Outcome> => {
  const stored = await kube.get<TenantControlPlane>(resourceTypes.tenantControlPlanes, ref, { signal })
  if (!stored || stored.metadata.deletionTimestamp) return { kind: 'done' }
  // What its class says of it is not known yet.
  if (stored.spec?.className !== undefined && stored.status?.class === undefined) return { kind: 'done' }
  const tenant = inForce(stored)
  if (tenant.spec.backup.drill?.schedule === undefined || storeInForce(tenant).kind !== 'dedicated') return { kind: 'done' }
  // Also those that people made: the newest one is drilled, whoever made it.
  const { items } = await kube.list<ControlPlaneSnapshot>(type, { namespace: ref.namespace, signal })
  let due: DrillDue
  try {
    due = nextDrill(tenant, items, now())
  } catch (error) {
    if (!hasCode(error, 'SPEC_INVALID')) throw error
    return { kind: 'done' }
  }
  if (due.start) {
    const turn: Outcome = { kind: 'wait', reason: 'WaitsForTurn', retryAfterMs: turnMs }
    const known = snapshots()
    if (!known || !hasRoomForDrill(known, now())) return turn
    // What was asked for a moment ago may not be known yet.
    const { items: all } = await kube.list<ControlPlaneSnapshot>(type, { signal })
    if (!hasRoomForDrill(all, now())) return turn
    const { metadata } = due.start.snapshot
    const { name = '', resourceVersion } = metadata
    const body = { metadata: { resourceVersion }, spec: { drill: drillOrder(tenant, now()) } }
    log.info({ snapshot: name }, 'a drill that is due is asked for')
    // Somebody else's word of the same moment is not written over: a conflict comes back here.
    await kube.patch(type, { name, namespace: ref.namespace }, body, { type: 'merge', signal })
  }
  if (!due.next) return { kind: 'done' }
  const untilNext = Math.max(1_000, due.next.getTime() - now().getTime())
  return { kind: 'wait', reason: 'Scheduled', retryAfterMs: Math.min(longestWaitMs, untilNext) }
}
