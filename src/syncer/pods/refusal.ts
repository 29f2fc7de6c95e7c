import type { SyncContext } from '../resource.ts'
import { refusedField } from './fields.ts'
import { fqdnHostname, maxHostname } from './hostname.ts'
import { poolRefusal } from './node-pool.ts'
import type { Pod } from './pod.ts'
import { securityRefusal } from './pod-security.ts'
import { runtimeClassRefusal } from './runtime-class.ts'
import { podSpecFields } from './spec-fields.ts'

export interface Refusal {
  /** CamelCase, for the Event. */
  readonly reason: string
  readonly message: string
}

/** Annotation of the pods by which a kubelet shows its static pods: super's kubelets would take a tenant's pod for one of theirs. */
const mirrorAnnotation = 'kubernetes.io/config.mirror'

type Check = (pod: Pod, ctx: SyncContext) => Refusal | undefined

const firstOf = <T>(items: readonly T[], check: (item: T) => Refusal | undefined): Refusal | undefined => {
  for (const item of items) {
    const refusal = check(item)
    if (refusal) return refusal
  }
  return undefined
}

/** Debug containers come later: they do not make a running pod a refused one. */
const unsupportedFields: Check = ({ spec: { ephemeralContainers: _later, ...spec } }) => {
  const refused = refusedField(spec, podSpecFields.fields)
  return refused && { reason: 'FieldNotSupported', message: `spec.${refused.field}: ${refused.why}` }
}

const otherScheduler: Check = ({ spec: { schedulerName = 'default-scheduler' } }) =>
  schedulerName === 'default-scheduler' || schedulerName === ''
    ? undefined
    : {
        reason: 'SchedulerNotSupported',
        message: `spec.schedulerName: only default-scheduler places pods here, not ${schedulerName}`,
      }

const mirrorPod: Check = ({ metadata }) =>
  metadata.annotations && Object.hasOwn(metadata.annotations, mirrorAnnotation)
    ? { reason: 'MirrorPodNotSupported', message: `metadata.annotations[${mirrorAnnotation}] is for a kubelet to write` }
    : undefined

/** A driver may do with inline attributes what it likes, with the rights of its own: the operator says which are made for that. */
const inlineDriver: Check = ({ spec }, { policy }) =>
  firstOf(spec.volumes ?? [], ({ name, csi }) =>
    csi && !policy.inlineCSIDrivers.includes(csi.driver)
      ? {
          reason: 'InlineVolumeNotAllowed',
          message: `spec.volumes[${name}].csi: inline volumes of ${csi.driver} are not offered here; use a claim`,
        }
      : undefined,
  )

const longFqdn: Check = (pod, ctx) => {
  const name = fqdnHostname(pod, ctx)
  return name !== undefined && name.length > maxHostname
    ? {
        reason: 'FQDNTooLong',
        message: `spec.setHostnameAsFQDN: ${name} has ${name.length} characters, a host name at most ${maxHostname}`,
      }
    : undefined
}

const checks: readonly Check[] = [
  unsupportedFields,
  otherScheduler,
  mirrorPod,
  runtimeClassRefusal,
  poolRefusal,
  inlineDriver,
  longFqdn,
  securityRefusal,
]

/** Why the pod may not go down, or undefined when it may. The first reason found is enough: the next shows when it is gone. */
export const podRefusal: Check = (pod, ctx) => {
  for (const check of checks) {
    const refusal = check(pod, ctx)
    if (refusal) return refusal
  }
  return undefined
}
