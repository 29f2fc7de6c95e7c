import type { ControlPlaneSnapshot, DrillStatus } from '../../apis/control-plane-snapshot.ts'
import { type DrillResult, drillResult } from '../../apis/snapshot-task.ts'
import { kubernetesVersions, type TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { hashOf } from '../apply.ts'
import type { TaskState } from './task-state.ts'

/** What is next for a drill. `clean`: what it has left goes. */
export type DrillAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'clean' }
  | { readonly kind: 'begin' }
  | { readonly kind: 'start' }
  | { readonly kind: 'wait'; readonly message: string }
  | { readonly kind: 'end'; readonly result: 'Passed' | 'Failed'; readonly message: string; readonly seen?: DrillResult }

/** Stands for what spec.drill asks for; undefined: for nothing. */
export const drillRequestOf = ({ spec }: Pick<ControlPlaneSnapshot, 'spec'>): string | undefined =>
  spec.drill && hashOf(spec.drill).slice(0, 16)

/** Why there cannot be a drill, and what to do; undefined: there can. */
export const drillRefusal = (
  { spec, status }: Pick<ControlPlaneSnapshot, 'spec' | 'status'>,
  tenant: Pick<TenantControlPlane, 'metadata'> | undefined,
): string | undefined => {
  if (status?.phase !== 'Complete') return `the snapshot is ${status?.phase ?? 'not taken yet'}: there is nothing to read`
  if (!tenant || tenant.metadata.deletionTimestamp || tenant.metadata.uid !== status.tenantUid)
    return `tenant ${spec.tenantName} is gone, and with it the place for a drill: make a tenant of the snapshot with spec.cloneFrom instead`
  if (!kubernetesVersions.some((version) => version === status.version))
    return `the snapshot was taken of Kubernetes ${status.version}, which is not served any more`
  return undefined
}

const parsed = (text: string): DrillResult | undefined => {
  try {
    return drillResult.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

const ended = (text: string): DrillAction => {
  const seen = parsed(text)
  if (!seen) return { kind: 'end', result: 'Failed', message: 'the pod that read it did not say what it saw: ask once more' }
  const { problems, objects, kinds, secrets } = seen
  if (problems.length > 0) return { kind: 'end', result: 'Failed', message: problems.join('; ').slice(0, 4000), seen }
  const message = `an API server started on it and listed ${objects} objects of ${kinds} kinds; ${secrets} Secrets were decrypted`
  return { kind: 'end', result: 'Passed', message, seen }
}

/** The rule for one snapshot's drill, from what is there of it. */
export const nextDrillAction = (
  present: Pick<DrillStatus, 'request' | 'result'> | undefined,
  request: string | undefined,
  task: TaskState,
): DrillAction => {
  const isOpen = present?.result === 'Running'
  if (request === undefined && isOpen && task.kind === 'absent')
    return { kind: 'end', result: 'Failed', message: 'it was taken back' }
  if (request === undefined || (present?.request === request && !isOpen))
    return { kind: task.kind === 'absent' ? 'none' : 'clean' }
  // What an earlier one has left goes first: it would be taken for the answer of this one.
  if (present?.request !== request) return { kind: task.kind === 'absent' ? 'begin' : 'clean' }
  switch (task.kind) {
    case 'absent':
      return { kind: 'start' }
    case 'running':
      return {
        kind: 'wait',
        message: task.trouble === undefined ? 'it is being read' : `tries again: ${task.trouble}`.slice(0, 4000),
      }
    case 'failed':
      return { kind: 'end', result: 'Failed', message: task.why.slice(0, 4000) }
    case 'done':
      return ended(task.result)
  }
}
