import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { hashOf } from '../apply.ts'
import type { Storage } from '../components/plane.ts'
import type { TaskState } from './task-state.ts'

/** One restore that is asked for. */
export interface RestoreRequest {
  /** Another one for whatever is asked for differently. */
  readonly id: string
  readonly snapshotName: string
  readonly identitySecretName: string | undefined
}

/** What spec.restore asks for. */
export const restoreRequestOf = ({ spec }: Pick<TenantControlPlane, 'spec'>): RestoreRequest | undefined =>
  spec.restore && {
    id: hashOf(spec.restore).slice(0, 16),
    snapshotName: spec.restore.snapshotName,
    identitySecretName: spec.restore.identitySecretName,
  }

const minorOf = (version: string): number => Number(version.split('.')[1])

/** Why a tenant cannot be restored from a snapshot, and what to do; undefined: it can. */
export const restoreRefusal = (
  request: RestoreRequest,
  snapshot: ControlPlaneSnapshot | undefined,
  tenant: Pick<TenantControlPlane, 'metadata' | 'spec'>,
  storage: Storage,
): string | undefined => {
  const name = `ControlPlaneSnapshot ${tenant.metadata.namespace}/${request.snapshotName}`
  if (!snapshot) return `${name} is not there. kubectl get controlplanesnapshots lists them`
  const { phase, tenantUid, version = '', encrypted } = snapshot.status ?? {}
  if (phase !== 'Complete') return `${name} is ${phase ?? 'not taken yet'}: choose one that is Complete`
  if (tenantUid !== tenant.metadata.uid)
    return `${name} is of another tenant (${snapshot.spec.tenantName}, UID ${tenantUid}): only a snapshot of this very tenant takes the place of its data`
  if (encrypted && request.identitySecretName === undefined)
    return `${name} is encrypted: put the private key of age into a Secret, under identity, and name it in spec.restore.identitySecretName`
  const ahead = minorOf(version) - minorOf(tenant.spec.version)
  if (!(ahead <= 0 && ahead >= -1))
    return `${name} was taken of Kubernetes ${version}, and the tenant is to run ${tenant.spec.version}, which does not read those data: choose another one`
  if (storage.kind === 'elsewhere') return 'the tenant has no data store of its own: whoever runs that etcd restores it'
  if (storage.kind !== 'claim')
    return "the data of the tenant's etcd are in its pods, as the cluster had no storage class: there is no volume to restore to"
  return undefined
}

/** What is seen of a restore that is under way. */
export interface RestoreView {
  /** Nothing of the control plane runs any more. */
  readonly isStopped: boolean
  readonly task: TaskState
  /** The other members' volumes are gone, and the first one is to run alone. */
  readonly isReset: boolean
  /** etcd and the API server serve. */
  readonly serves: boolean
}

/** What is next. `load`: make the pod that brings the data. `reset`: only the first member is left. */
export type RestoreAction =
  | { readonly kind: 'go'; readonly phase: RestoreStatus['phase']; readonly message: string }
  | { readonly kind: 'load' | 'reset' | 'none'; readonly message: string }

/** The rule for a restore that has begun. Until data are loaded the old ones are there, and what fails leads back to them. */
export const nextRestoreAction = (
  { phase, snapshotName }: Pick<RestoreStatus, 'phase' | 'snapshotName'>,
  isAskedFor: boolean,
  { isStopped, task, isReset, serves }: RestoreView,
): RestoreAction => {
  switch (phase) {
    case 'Stopping':
      if (!isAskedFor) return { kind: 'go', phase: 'Failed', message: 'it was taken back before anything was changed' }
      return isStopped
        ? { kind: 'go', phase: 'Loading', message: `snapshot ${snapshotName} is being loaded` }
        : { kind: 'none', message: 'the control plane is being stopped' }
    case 'Loading':
      if (task.kind === 'failed')
        return {
          kind: 'go',
          phase: 'Failed',
          message: `the data are as before, as the snapshot could not be loaded: ${task.why}`,
        }
      if (task.kind === 'done')
        return isReset
          ? { kind: 'go', phase: 'Starting', message: `snapshot ${snapshotName} is loaded; the control plane is being started` }
          : { kind: 'reset', message: `snapshot ${snapshotName} is loaded` }
      if (task.kind === 'running')
        return {
          kind: 'none',
          message: task.trouble === undefined ? `snapshot ${snapshotName} is being loaded` : `tries again: ${task.trouble}`,
        }
      return isAskedFor
        ? { kind: 'load', message: `snapshot ${snapshotName} is being loaded` }
        : { kind: 'go', phase: 'Failed', message: 'it was taken back before anything was changed' }
    case 'Starting':
      return serves
        ? {
            kind: 'go',
            phase: 'Done',
            message: `the data are those of snapshot ${snapshotName}. Nothing is changed in super until \`berth tenant resume-sync\` says so`,
          }
        : { kind: 'none', message: `snapshot ${snapshotName} is loaded; the control plane is being started` }
    case 'Done':
    case 'Failed':
      return { kind: 'none', message: '' }
  }
}

/** True while the control plane is at rest for a restore. */
export const isRestoring = (restore: Pick<RestoreStatus, 'phase'> | undefined): boolean =>
  restore?.phase === 'Stopping' || restore?.phase === 'Loading'
