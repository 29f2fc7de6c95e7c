import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { type SaveResult, saveResult } from '../../apis/snapshot-task.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { storeInForce } from '../data-stores/in-force.ts'
import type { TaskState } from './task-state.ts'

/** What is next for a snapshot. */
export type SnapshotAction =
  | { readonly kind: 'rest' }
  | { readonly kind: 'start' }
  | { readonly kind: 'wait'; readonly reason: string; readonly message: string }
  | { readonly kind: 'complete'; readonly result: SaveResult }
  | { readonly kind: 'fail'; readonly reason: string; readonly message: string }

const parsed = (text: string): SaveResult | undefined => {
  try {
    return saveResult.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

const isTrue = ({ status }: TenantControlPlane, type: string): boolean =>
  status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true

/** Why a tenant's data cannot be saved just now; undefined: they can. */
const hindrance = (tenant: TenantControlPlane): { reason: string; message: string } | undefined => {
  const name = tenant.metadata.name ?? ''
  if (tenant.spec.state !== 'Running' || isTrue(tenant, 'Paused')) {
    const message = `tenant ${name} is at rest, and so is its etcd: the snapshot is taken when spec.state is Running`
    return { reason: 'TenantPaused', message }
  }
  if (isTrue(tenant, 'Restoring')) return { reason: 'TenantRestoring', message: `waits for the restore of tenant ${name}` }
  if (isTrue(tenant, 'Moving'))
    return { reason: 'TenantMoving', message: `waits for tenant ${name} to have moved to its new data store` }
  if (!isTrue(tenant, 'DataStoreReady') || tenant.status?.version === undefined)
    return {
      reason: 'DataStoreNotReady',
      message: `waits for the data store of tenant ${name}: berth tenant get ${name} tells more`,
    }
  return undefined
}

/** The rule for one snapshot, from what is there of it. What is complete or failed stays so. */
export const nextSnapshotAction = (
  { status }: Pick<ControlPlaneSnapshot, 'status'>,
  tenant: TenantControlPlane | undefined,
  task: TaskState,
): SnapshotAction => {
  if (status?.phase === 'Complete' || status?.phase === 'Failed') return { kind: 'rest' }
  if (task.kind === 'done') {
    const result = parsed(task.result)
    return result
      ? { kind: 'complete', result }
      : { kind: 'fail', reason: 'NoResult', message: 'the pod that saved it did not say what it stored: take another snapshot' }
  }
  if (task.kind === 'failed') return { kind: 'fail', reason: 'SaveFailed', message: task.why }
  if (!tenant || tenant.metadata.deletionTimestamp)
    return { kind: 'fail', reason: 'TenantNotFound', message: 'there is no such TenantControlPlane in this namespace' }
  if (task.kind === 'running') {
    const message = task.trouble === undefined ? 'the data are being saved' : `tries again: ${task.trouble}`
    return { kind: 'wait', reason: 'Saving', message }
  }
  if (storeInForce(tenant).kind !== 'dedicated') {
    const message = 'the tenant has no data store of its own: whoever runs that etcd saves it'
    return { kind: 'fail', reason: 'NotSupported', message }
  }
  const hindered = hindrance(tenant)
  return hindered ? { kind: 'wait', ...hindered } : { kind: 'start' }
}

/** Name of what a snapshot stores in its bucket. The UID keeps apart those that had the same name one after the other. */
export const storedKey = ({ metadata, spec }: ControlPlaneSnapshot): string =>
  `${spec.storage.s3.prefix}${metadata.namespace}/${spec.tenantName}/${metadata.name}.${(metadata.uid ?? '').slice(0, 8)}.berthsnap`
