import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { ChangeKind } from '../kube/informer-store.ts'
import { compareResourceVersions } from '../kube/resource-version.ts'
import { isReady, tenantOf } from './tenant-view.ts'

export type TenantEventKind = 'tenant.changed' | 'tenant.ready' | 'tenant.deleted'

/** What happened to one tenant. `id` is a version of management: any process of the API goes on from it. */
export interface TenantEvent {
  readonly id: string
  readonly kind: TenantEventKind
  readonly organization: string
  readonly data: ReturnType<typeof tenantOf>
}

/** Events of a change; `position` is the version up to which all is known, for a deletion that was only found out later. */
export const eventOf = (
  kind: ChangeKind,
  plane: TenantControlPlane,
  old: TenantControlPlane | undefined,
  position: string | undefined,
): TenantEvent => {
  const { resourceVersion = '', namespace = '' } = plane.metadata
  const isLate = kind === 'deleted' && compareResourceVersions(position, resourceVersion) === 1
  const became = isReady(plane) && (kind === 'added' || old === undefined || !isReady(old))
  return {
    id: isLate ? (position ?? resourceVersion) : resourceVersion,
    kind: kind === 'deleted' ? 'tenant.deleted' : became ? 'tenant.ready' : 'tenant.changed',
    organization: namespace,
    data: tenantOf(plane),
  }
}

/** What has happened lately, for who was away a moment. */
export interface EventLog {
  add(event: TenantEvent): void
  /** Events of an organisation after a version; undefined when what came after it is not known any more, or it is no version. */
  after(organization: string, id: string): readonly TenantEvent[] | undefined
}

/** Keeps the last `size` events, from the version `since` on: what was before that is not known. */
export const createEventLog = ({ size, since }: { readonly size: number; readonly since: string }): EventLog => {
  const events: TenantEvent[] = []
  let floor = since
  return {
    add: (event) => {
      events.push(event)
      if (events.length <= size) return
      floor = events.shift()?.id ?? floor
    },
    after: (organization, id) => {
      const order = compareResourceVersions(id, floor)
      if (order === undefined || order < 0) return undefined
      return events.filter((event) => event.organization === organization && compareResourceVersions(event.id, id) === 1)
    },
  }
}
