import { specInForce } from '../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { ageText, type Tabular } from './print.ts'

/** `True`, `False` or `Unknown` of its condition; or what it is instead: `Deleting`, `Paused`, `Hibernated`. */
export const readyOf = ({ metadata, status }: Pick<TenantControlPlane, 'metadata' | 'status'>): string => {
  if (metadata.deletionTimestamp) return 'Deleting'
  const conditionOf = (type: string) => status?.conditions?.find((condition) => condition.type === type)
  const paused = conditionOf('Paused')
  // Paused, or Hibernated.
  return paused?.status === 'True' ? paused.reason : (conditionOf('Ready')?.status ?? 'Unknown')
}

/** What a list of tenants can be cut down to; what is not said lets all through. */
export interface TenantFilter {
  /** Name of a TenantClass. */
  readonly class?: string | undefined
  /** True: those that are ready. False: those that are not, for whatever reason. */
  readonly ready?: boolean | undefined
}

export const passesFilter = (plane: TenantControlPlane, { class: className, ready }: TenantFilter): boolean =>
  (className === undefined || plane.spec?.className === className) &&
  (ready === undefined || (readyOf(plane) === 'True') === ready)

interface RowOptions {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Shows whose namespace each is in. */
  readonly namespaces: boolean
}

/** Tenants as rows. */
export const tenantTable = (planes: readonly TenantControlPlane[], { now, namespaces }: RowOptions): Tabular => ({
  columns: [...(namespaces ? ['NAMESPACE'] : []), 'NAME', 'VERSION', 'ENDPOINT', 'READY', 'AGE'],
  rows: planes.map((plane) => [
    ...(namespaces ? [plane.metadata.namespace ?? ''] : []),
    plane.metadata.name ?? '',
    plane.status?.version ?? specInForce(plane).version,
    plane.status?.endpoint ?? '-',
    readyOf(plane),
    ageText(plane.metadata.creationTimestamp, now),
  ]),
})

/** The same with plan, size, data store and where its control plane is. */
export const wideTenantTable = (planes: readonly TenantControlPlane[], options: RowOptions): Tabular => {
  const { columns, rows } = tenantTable(planes, options)
  return {
    columns: [...columns, 'CLASS', 'SIZE', 'DATA STORE', 'SLICE', 'CONTROL PLANE'],
    rows: planes.map((plane, index) => {
      const { size, dataStore } = specInForce(plane)
      return [
        ...(rows[index] ?? []),
        plane.spec?.className ?? '-',
        size,
        plane.status?.dataStore?.kind ?? dataStore.kind,
        plane.status?.serviceSlice ?? '-',
        plane.status?.controlPlaneNamespace ?? '-',
      ]
    }),
  }
}
