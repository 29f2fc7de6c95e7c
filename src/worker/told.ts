import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { TenantEventType } from '../jobs/webhooks/event-types.ts'

/** How a tenant was when webhooks heard of it last. */
export interface ToldTenant {
  readonly name: string
  readonly is: 'starting' | 'ready' | 'not_ready' | 'paused'
  /** Kubernetes version that ran. */
  readonly version?: string | undefined
}

/** Something that happened, and that is to be told. */
export interface TenantEvent {
  /** The same whenever this is worked out, or told, again. */
  readonly id: string
  readonly type: TenantEventType
  /** RFC 3339. */
  readonly time: string
  readonly tenant: string
  readonly uid: string
  /** Of an upgrade: the version before. */
  readonly previousVersion?: string | undefined
  /** Of a tenant that nothing was known of: it may be old news. */
  readonly isFirst?: true | undefined
}

/** By the UIDs of tenants. */
export type ToldTenants = Readonly<Record<string, ToldTenant>>

export interface Change {
  readonly tenants: ToldTenants
  /** In the order in which they are told. */
  readonly events: readonly TenantEvent[]
}

export interface ChangeInput {
  readonly told: ToldTenants
  /** All tenants of the organisation that there are. */
  readonly planes: readonly TenantControlPlane[]
  readonly now: Date
  /** Makes an id of what an event is known by. */
  readonly idOf: (parts: readonly string[]) => string
}

type Plane = TenantControlPlane
type Happening = Pick<TenantEvent, 'type' | 'time' | 'previousVersion'> & { readonly mark: string }

const conditionOf = ({ status }: Plane, type: string) => status?.conditions?.find((each) => each.type === type)
/** Reasons of a tenant that is not ready because it is about to rest: that is told when it does. */
const onTheWayToRest: ReadonlySet<string> = new Set(['Pausing', 'Paused', 'Hibernated'])

const stateOf = (plane: Plane, before: ToldTenant['is']): ToldTenant['is'] => {
  // What goes on while it is deleted is told by its end.
  if (plane.metadata.deletionTimestamp !== undefined) return before
  if (conditionOf(plane, 'Paused')?.status === 'True') return 'paused'
  const ready = conditionOf(plane, 'Ready')
  if (ready?.status === 'True') return 'ready'
  if (before === 'paused') return onTheWayToRest.has(ready?.reason ?? '') ? 'paused' : 'starting'
  if (before === 'starting' || onTheWayToRest.has(ready?.reason ?? '')) return before
  return 'not_ready'
}

/** The version once it is settled: on the way there it may go back. */
const versionOf = ({ status }: Plane, before: string | undefined): string | undefined => {
  const { upgrade, version } = status ?? {}
  return upgrade === undefined || upgrade.phase === 'Done' || upgrade.phase === 'Failed' ? (version ?? before) : before
}

const happeningsOf = (plane: Plane, before: ToldTenant, after: ToldTenant, now: Date): readonly Happening[] => {
  const nowText = now.toISOString()
  const since = conditionOf(plane, 'Ready')?.lastTransitionTime ?? nowText
  const happenings: Happening[] = []
  if (before.version !== undefined && after.version !== undefined && before.version !== after.version) {
    const time = plane.status?.upgrade?.completedAt ?? nowText
    const mark = `${before.version} ${after.version} ${plane.status?.upgrade?.startedAt ?? ''}`
    happenings.push({ type: 'tenant.upgraded', time, mark, previousVersion: before.version })
  }
  if (before.is === after.is) return happenings
  if (before.is === 'paused') happenings.push({ type: 'tenant.resumed', time: nowText, mark: since })
  switch (after.is) {
    case 'ready':
      happenings.push({ type: 'tenant.ready', time: since, mark: since })
      break
    case 'not_ready':
      happenings.push({ type: 'tenant.not_ready', time: since, mark: since })
      break
    case 'paused': {
      const time = conditionOf(plane, 'Paused')?.lastTransitionTime ?? nowText
      happenings.push({ type: 'tenant.paused', time, mark: time })
      break
    }
    case 'starting':
      break
  }
  return happenings
}

const unheardOf = (name: string): ToldTenant => ({ name, is: 'starting' })

/** What has happened since webhooks were told last, and what is known then. Says nothing of what went to and fro meanwhile. */
export const changeOf = ({ told, planes, now, idOf }: ChangeInput): Change => {
  const events: TenantEvent[] = []
  const tenants: Record<string, ToldTenant> = {}
  for (const plane of planes) {
    const { name = '', uid = '', creationTimestamp = now.toISOString() } = plane.metadata
    const known = told[uid]
    const before = known ?? unheardOf(name)
    const after: ToldTenant = { name, is: stateOf(plane, before.is), version: versionOf(plane, before.version) }
    tenants[uid] = after
    const created: readonly Happening[] = known ? [] : [{ type: 'tenant.created', time: creationTimestamp, mark: '' }]
    for (const { mark, ...happening } of [...created, ...happeningsOf(plane, before, after, now)])
      events.push({
        ...happening,
        id: idOf([uid, happening.type, mark]),
        tenant: name,
        uid,
        ...(!known && { isFirst: true }),
      })
  }
  for (const [uid, { name }] of Object.entries(told)) {
    if (tenants[uid]) continue
    const type = 'tenant.deleted'
    events.push({ id: idOf([uid, type, '']), type, time: now.toISOString(), tenant: name, uid })
  }
  return { tenants, events }
}
