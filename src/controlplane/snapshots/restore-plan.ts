import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { RestoreStatus } from '../../apis/tenant-status.ts'
import { loadingAnnotation } from '../../tenancy/marks.ts'
import { hashOf } from '../apply.ts'
import type { Storage } from '../components/plane.ts'
import { restoreRequestId } from '../upgrades/upgrade-plan.ts'
import { minorOf } from '../upgrades/version-in-force.ts'
import type { TaskState } from './task-state.ts'

/** One restore that is asked for. */
export interface RestoreRequest {
  /** Another one for whatever is asked for differently. */
  readonly request: string
  readonly snapshotName: string
  readonly identitySecretName: string | undefined
  /** The tenant is to begin with the data, and they may be another's. */
  readonly isClone: boolean
}

/** `request` of what a tenant begins with: there is one such in its life. */
export const cloneRequest = 'clone'

/** True for the volume of an etcd that has, or may have, data of the tenant. */
const hasData = ({ metadata }: KubeObject): boolean => metadata.annotations?.[loadingAnnotation] === undefined

/**
 * True until a tenant that is to begin with the data of a snapshot has them: nothing of it runs before. What its volumes say counts as well: should its status be
 * lost, data that are there are not written over.
 */
export const isToBeCloned = (
  { spec, status }: Pick<TenantControlPlane, 'spec' | 'status'>,
  claims: readonly KubeObject[],
): boolean => spec.cloneFrom !== undefined && status?.restored === undefined && !claims.some(hasData)

/** What spec.restore asks for, answered or not. */
const askedBySpec = ({ spec }: Pick<TenantControlPlane, 'spec'>): RestoreRequest | undefined =>
  spec.restore && {
    request: hashOf(spec.restore).slice(0, 16),
    snapshotName: spec.restore.snapshotName,
    identitySecretName: spec.restore.identitySecretName,
    isClone: false,
  }

/**
 * What is asked for: by spec.cloneFrom, after that by an upgrade that has to go back further than to the version before, or by spec.restore. `claims`: of its
 * etcd.
 */
export const restoreRequestOf = (
  tenant: Pick<TenantControlPlane, 'spec' | 'status'>,
  claims: readonly KubeObject[],
): RestoreRequest | undefined => {
  const { cloneFrom } = tenant.spec
  const { upgrade, restore } = tenant.status ?? {}
  // Once it is being put in its place it has no other way to go.
  const isSwapping = restore?.request === cloneRequest && restore.phase === 'Swapping'
  if (cloneFrom && (isSwapping || isToBeCloned(tenant, claims)))
    return {
      request: cloneRequest,
      snapshotName: cloneFrom.snapshotName,
      identitySecretName: cloneFrom.identitySecretName,
      isClone: true,
    }
  if (upgrade?.phase === 'RestoringData' && upgrade.snapshotName !== undefined)
    return {
      request: restoreRequestId(upgrade),
      snapshotName: upgrade.snapshotName,
      identitySecretName: upgrade.snapshotName,
      isClone: false,
    }
  const asked = askedBySpec(tenant)
  return asked === undefined || restore?.answered === asked.request ? undefined : asked
}

/** What spec.restore has got by now, to be remembered by a restore that it did not ask for: it would be carried out again. */
export const answeredBefore = (tenant: Pick<TenantControlPlane, 'spec' | 'status'>, { request }: RestoreRequest) => {
  const asked = askedBySpec(tenant)?.request
  const { restore } = tenant.status ?? {}
  const wasAnswered = asked !== undefined && (restore?.request === asked || restore?.answered === asked)
  return wasAnswered && asked !== request ? { answered: asked } : {}
}

/** How soon what a tenant begins with is tried again: its data are nowhere else, so there is nothing to go back to. */
const cloneAgainMs = 30_000

/** True when an answer stands, whatever is asked for. */
export const isAnswered = (
  present: Pick<RestoreStatus, 'request' | 'phase' | 'completedAt'>,
  request: RestoreRequest,
  now: Date,
): boolean => {
  if (present.request !== request.request) return false
  return !request.isClone || present.phase === 'Done' || now.getTime() - Date.parse(present.completedAt ?? '') < cloneAgainMs
}

/** Where people say which Secret has the private key. */
export const identityField = ({ isClone }: Pick<RestoreRequest, 'isClone'>): string =>
  `spec.${isClone ? 'cloneFrom' : 'restore'}.identitySecretName`

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
  if (!request.isClone && tenantUid !== tenant.metadata.uid)
    return `${name} is of another tenant (${snapshot.spec.tenantName}, UID ${tenantUid}): only a snapshot of this very tenant takes the place of its data. To have those of another, make a tenant with spec.cloneFrom`
  if (encrypted && request.identitySecretName === undefined)
    return `${name} is encrypted: put the private key of age into a Secret, under identity, and name it in ${identityField(request)}`
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
  /** Nothing of the control plane runs any more, or is about to. */
  readonly isStopped: boolean
  /** Of the phase: the Job that brings the data, or the one that puts them in their place. */
  readonly task: TaskState
  /** A pod of either is still on the volume. */
  readonly isInUse: boolean
  /** The other members' volumes are gone, and the first one is to run alone. */
  readonly isReset: boolean
  /** etcd and the API server serve. */
  readonly serves: boolean
}

/** What is next. `task`: make the Job of the phase. `again`: take it away, to make it anew or to have none. `reset`: only the first member is left. */
export type RestoreAction =
  | { readonly kind: 'go'; readonly phase: RestoreStatus['phase']; readonly message: string }
  | { readonly kind: 'task' | 'again' | 'reset' | 'none'; readonly message: string }

type Given = Pick<RestoreStatus, 'phase' | 'snapshotName' | 'request'>

/** What people are told of a load that failed. */
export const failedLoad = ({ request }: Pick<RestoreStatus, 'request'>, why: string): string =>
  (request === cloneRequest
    ? `it is tried again, as the snapshot could not be loaded: ${why}`
    : `the data are as before, as the snapshot could not be loaded: ${why}`
  ).slice(0, 4000)

/** What people are told before anything is loaded. */
export const stoppingMessage = ({ request }: Pick<RestoreStatus, 'request'>): string =>
  request === cloneRequest ? 'the control plane is being laid out, at zero' : 'the control plane is being stopped'

const doneMessage = ({ request, snapshotName }: Given): string =>
  request === cloneRequest
    ? `the tenant began with the data of snapshot ${snapshotName}`
    : `the data are those of snapshot ${snapshotName}. Nothing is changed in super until \`berth tenant resume-sync\` says so`

const withdrawn: RestoreAction = { kind: 'go', phase: 'Failed', message: 'it was taken back before anything was changed' }

/** The old data are in their place, whatever becomes of this: what fails leads back to them. */
const whileLoading = (given: Given, isAskedFor: boolean, { isStopped, task, isInUse }: RestoreView): RestoreAction => {
  const { snapshotName } = given
  const loading = `snapshot ${snapshotName} is being loaded`
  switch (task.kind) {
    case 'done':
      return { kind: 'go', phase: 'Swapping', message: `snapshot ${snapshotName} takes the place of the data` }
    case 'failed':
      return { kind: 'go', phase: 'Failed', message: failedLoad(given, task.why) }
    case 'running':
      if (!isAskedFor) return { kind: 'again', message: 'it was taken back; its pod ends' }
      return { kind: 'none', message: task.trouble === undefined ? loading : `tries again: ${task.trouble}`.slice(0, 4000) }
    case 'absent':
      // A pod whose Job was taken away goes on for a while.
      if (!isStopped || isInUse) return { kind: 'none', message: 'waits for pods on the volume of etcd to end' }
      return isAskedFor ? { kind: 'task', message: loading } : withdrawn
  }
}

/** Between the old data and the new there is no way back: it is tried until it is done. */
const whileSwapping = ({ snapshotName }: Given, { isStopped, task, isInUse, isReset }: RestoreView): RestoreAction => {
  const swapping = `snapshot ${snapshotName} takes the place of the data`
  switch (task.kind) {
    case 'done':
      return isReset
        ? { kind: 'go', phase: 'Starting', message: `snapshot ${snapshotName} is loaded; the control plane is being started` }
        : { kind: 'reset', message: `snapshot ${snapshotName} is loaded` }
    case 'failed':
      return { kind: 'again', message: `tries again: ${task.why}`.slice(0, 4000) }
    case 'running':
      return { kind: 'none', message: task.trouble === undefined ? swapping : `tries again: ${task.trouble}`.slice(0, 4000) }
    case 'absent':
      return isStopped && !isInUse
        ? { kind: 'task', message: swapping }
        : { kind: 'none', message: 'waits for pods on the volume of etcd to end' }
  }
}

/** The rule for a restore that has begun. */
export const nextRestoreAction = (given: Given, isAskedFor: boolean, view: RestoreView): RestoreAction => {
  const { phase, snapshotName } = given
  switch (phase) {
    case 'Stopping':
      if (!isAskedFor) return withdrawn
      return view.isStopped
        ? { kind: 'go', phase: 'Loading', message: `snapshot ${snapshotName} is being loaded` }
        : { kind: 'none', message: stoppingMessage(given) }
    case 'Loading':
      return whileLoading(given, isAskedFor, view)
    case 'Swapping':
      return whileSwapping(given, view)
    case 'Starting':
      return view.serves
        ? { kind: 'go', phase: 'Done', message: doneMessage(given) }
        : { kind: 'none', message: `snapshot ${snapshotName} is loaded; the control plane is being started` }
    case 'Done':
    case 'Failed':
      return { kind: 'none', message: '' }
  }
}

/** Revisions count microseconds of the clock after a restore, so that none of them is given out twice, whichever snapshot is restored how often. */
export const bumpOf = (snapshotRevision: string | undefined, now: Date): number =>
  now.getTime() * 1_000 - (Number(snapshotRevision) || 0)

/** True while the control plane is at rest for a restore. */
export const isRestoring = (restore: Pick<RestoreStatus, 'phase'> | undefined): boolean =>
  restore?.phase === 'Stopping' || restore?.phase === 'Loading' || restore?.phase === 'Swapping'
