import { timestamp } from './timestamp.ts'

/** Conditions of a TenantControlPlane. The first six are steps; Ready means a real request was answered end to end. */
export const conditionTypes = [
  'CertificatesReady',
  'DataStoreReady',
  'APIServerReady',
  'ControllerManagerReady',
  'DNSReady',
  'SyncReady',
  'Ready',
] as const
/** Conditions that are there only while they last. */
export const passingConditionTypes = [
  'Upgrading',
  'Paused',
  'Restoring',
  'Moving',
  'Growing',
  'RotatingCA',
  'Deleting',
  'Frozen',
  'Exposed',
  'ClassApplied',
  'BackupProven',
  'NetworkPolicyEnforced',
  'IsolationVerified',
] as const

export type ConditionType = (typeof conditionTypes)[number] | (typeof passingConditionTypes)[number]

export interface Condition<T extends string = ConditionType> {
  type: T
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  observedGeneration?: number
  lastTransitionTime: string
}

/** Sets one condition; the transition time moves only when the status does. Returns the same array when nothing changed. */
export const setCondition = <T extends string = ConditionType>(
  conditions: readonly Condition<T>[],
  wanted: Omit<Condition<T>, 'lastTransitionTime'>,
  now: Date,
): readonly Condition<T>[] => {
  const old = conditions.find(({ type }) => type === wanted.type)
  if (
    old &&
    old.status === wanted.status &&
    old.reason === wanted.reason &&
    old.message === wanted.message &&
    old.observedGeneration === wanted.observedGeneration
  ) {
    return conditions
  }
  const lastTransitionTime = old?.status === wanted.status ? old.lastTransitionTime : timestamp(now)
  const next: Condition<T> = { ...wanted, lastTransitionTime }
  return old ? conditions.map((condition) => (condition === old ? next : condition)) : [...conditions, next]
}

const restingReasons: ReadonlySet<string> = new Set(['Pausing', 'Paused', 'Hibernated', 'Restoring', 'Moving'])

/** True from when the pods of a tenant that hibernates begin to be ended until it is to wake. */
export const isAsleep = (conditions: readonly Condition[] = []): boolean =>
  conditions.some(({ type, reason }) => type === 'Paused' && (reason === 'Hibernating' || reason === 'Hibernated'))

/** True from when a control plane begins to go to zero until it has begun to come back. */
export const isResting = (conditions: readonly Condition[] = []): boolean =>
  conditions.some(({ type, reason }) => type === 'Ready' && restingReasons.has(reason))
