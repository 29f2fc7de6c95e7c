import { isResting } from '../apis/conditions.ts'
import { specInForce } from '../apis/spec-in-force.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { usersLabels } from './users-labels.ts'

/** How a tenant is, in one word. */
export const tenantPhases = ['Pending', 'Ready', 'NotReady', 'Paused', 'Hibernated', 'Deleting'] as const
export type TenantPhase = (typeof tenantPhases)[number]

const conditionOf = ({ status }: TenantControlPlane, type: string) => status?.conditions?.find((each) => each.type === type)

export const isReady = (plane: TenantControlPlane): boolean => conditionOf(plane, 'Ready')?.status === 'True'

export const phaseOf = (plane: TenantControlPlane): TenantPhase => {
  if (plane.metadata.deletionTimestamp) return 'Deleting'
  const paused = conditionOf(plane, 'Paused')
  if (paused?.status === 'True') return paused.reason === 'Hibernated' ? 'Hibernated' : 'Paused'
  if (isReady(plane)) return 'Ready'
  return plane.status?.timings?.['Ready'] === undefined && !isResting(plane.status?.conditions) ? 'Pending' : 'NotReady'
}

/** A tenant as the HTTP API shows it. `spec` is what its user wrote: defaults are filled in where it is in force. */
export const tenantOf = (plane: TenantControlPlane) => {
  const {
    name = '',
    namespace = '',
    uid = '',
    labels,
    creationTimestamp = '',
    deletionTimestamp,
    generation = 0,
  } = plane.metadata
  const { status } = plane
  return {
    name,
    organization: namespace,
    uid,
    labels: usersLabels(labels),
    createdAt: creationTimestamp,
    ...(deletionTimestamp !== undefined && { deletingSince: deletionTimestamp }),
    generation,
    phase: phaseOf(plane),
    ready: isReady(plane),
    state: specInForce(plane).state,
    version: status?.version ?? specInForce(plane).version,
    spec: plane.spec as Readonly<Record<string, unknown>>,
    status: {
      ...(status?.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
      ...(status?.version !== undefined && { version: status.version }),
      ...(status?.endpoint !== undefined && { endpoint: status.endpoint }),
      ...(status?.upgrade && { upgrade: status.upgrade }),
      ...(status?.restore && { restore: status.restore }),
      timings: status?.timings ?? {},
      conditions: status?.conditions ?? [],
    },
  }
}
