import { Gauge, type Registry } from 'prom-client'
import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import { specInForce } from '../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'

/** What is told of tenants when somebody asks for metrics: the caches as they are then. */
export interface TenantFacts {
  readonly tenants: readonly TenantControlPlane[]
  /** Undefined while they are not listed yet. */
  readonly snapshots: readonly ControlPlaneSnapshot[] | undefined
}

export interface TenantMetrics {
  /** Where the facts are read. Only the leader has any. */
  watch(read: () => TenantFacts): void
}

const secondsOf = (time: string | undefined): number => Date.parse(time ?? '') / 1000

const values = { True: 1, False: 0, Unknown: -1 } as const

/** When the newest complete snapshot of each tenant was begun, in seconds, by the tenant's UID. */
const newestSnapshots = (snapshots: readonly ControlPlaneSnapshot[]): ReadonlyMap<string, number> => {
  const newest = new Map<string, number>()
  for (const { metadata, status } of snapshots) {
    const uid = status?.tenantUid
    const taken = secondsOf(status?.startedAt ?? metadata.creationTimestamp)
    if (status?.phase !== 'Complete' || uid === undefined) continue
    newest.set(uid, Math.max(newest.get(uid) ?? 0, taken))
  }
  return newest
}

/**
 * What the objects of tenants say, as numbers. The label `tenant` is the UID everywhere in Berth, and `berth_tenant_info` joins it with names. All is read from the
 * caches at each scrape: a tenant that is gone says nothing, and nothing grows.
 */
export const createTenantMetrics = (registry: Registry): TenantMetrics => {
  let read = (): TenantFacts => ({ tenants: [], snapshots: undefined })
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    samples: (facts: TenantFacts) => Iterable<readonly [labels: Record<L, string>, value: number]>,
  ): void => {
    new Gauge<L>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset()
        for (const [labels, value] of samples(read())) if (Number.isFinite(value)) this.set(labels, value)
      },
    })
  }
  const uidOf = ({ metadata }: TenantControlPlane): string => metadata.uid ?? ''
  gauge(
    'berth_tenant_info',
    '1 for each tenant, with what it is called and what it runs; `tenant` is its UID, as in all other metrics.',
    ['tenant', 'namespace', 'name', 'class', 'version', 'size', 'state'],
    ({ tenants }) =>
      tenants.map((tenant) => {
        const { metadata, status } = tenant
        const { version, size, state } = specInForce(tenant)
        const name = { namespace: metadata.namespace ?? '', name: metadata.name ?? '' }
        const labels = { tenant: uidOf(tenant), ...name, class: status?.class?.name ?? '', version: status?.version ?? version }
        return [{ ...labels, size, state }, 1] as const
      }),
  )
  gauge(
    'berth_tenant_condition',
    'Each condition of a tenant with its reason: 1 True, 0 False, -1 Unknown.',
    ['tenant', 'condition', 'reason'],
    ({ tenants }) =>
      tenants.flatMap((tenant) =>
        (tenant.status?.conditions ?? []).map(
          ({ type, reason, status }) => [{ tenant: uidOf(tenant), condition: type, reason }, values[status]] as const,
        ),
      ),
  )
  gauge('berth_tenant_created_timestamp_seconds', 'When a tenant was made.', ['tenant'], ({ tenants }) =>
    tenants.map((tenant) => [{ tenant: uidOf(tenant) }, secondsOf(tenant.metadata.creationTimestamp)] as const),
  )
  gauge(
    'berth_tenant_deletion_timestamp_seconds',
    'Since when a tenant is being deleted; only of those that are.',
    ['tenant'],
    ({ tenants }) => tenants.map((tenant) => [{ tenant: uidOf(tenant) }, secondsOf(tenant.metadata.deletionTimestamp)] as const),
  )
  gauge(
    'berth_tenant_ready_after_seconds',
    'Seconds from the creation of a tenant until it was usable for the first time.',
    ['tenant'],
    ({ tenants }) =>
      tenants.map((tenant) => [{ tenant: uidOf(tenant) }, tenant.status?.timings?.['Ready'] ?? Number.NaN] as const),
  )
  gauge(
    'berth_tenant_snapshot_timestamp_seconds',
    'When the newest complete snapshot of a tenant was begun; 0 for one with a schedule that has none yet.',
    ['tenant'],
    ({ tenants, snapshots }) => {
      if (!snapshots) return []
      const newest = newestSnapshots(snapshots)
      return tenants.map((tenant) => {
        const none = specInForce(tenant).backup?.schedule === undefined ? Number.NaN : 0
        return [{ tenant: uidOf(tenant) }, newest.get(uidOf(tenant)) ?? none] as const
      })
    },
  )
  return {
    watch: (from) => {
      read = from
    },
  }
}
