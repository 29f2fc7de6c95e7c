import type { KubeObject } from '../apis/kube-object.ts'
import { componentLabel } from '../tenancy/marks.ts'
import { lastWords } from './last-words.ts'
import type { StepOutcome } from './steps.ts'

type Wait = Extract<StepOutcome, { kind: 'wait' }>

interface ContainerStatus {
  name: string
  restartCount?: number
  state?: { waiting?: { reason?: string; message?: string }; running?: object; terminated?: object }
  lastState?: { terminated?: { exitCode?: number; reason?: string; message?: string } }
}

const problem = (reason: string, message: string): Wait => ({ kind: 'wait', reason, message, problem: true })

const containerProblem = (pod: KubeObject, container: ContainerStatus): Wait | undefined => {
  const { waiting } = container.state ?? {}
  const ended = container.lastState?.terminated
  const name = `pod ${pod.metadata.name}`
  switch (waiting?.reason) {
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'InvalidImageName':
      return problem(
        'ImagePullFailed',
        `${name} cannot get its image: ${waiting.message ?? waiting.reason}. Check the image registry that the manager was given and the nodes' access to it`,
      )
    case 'CreateContainerConfigError':
    case 'CreateContainerError':
    case 'RunContainerError':
      return problem('ContainerNotCreated', `${name} cannot start its container: ${waiting.message ?? waiting.reason}`)
    case undefined:
    default:
  }
  if (waiting?.reason === 'CrashLoopBackOff' || (ended && (container.restartCount ?? 0) > 1)) {
    const text = lastWords(ended?.message ?? '')
    const where = `kubectl logs -n ${pod.metadata.namespace} ${pod.metadata.name} --previous`
    return problem(
      'CrashLooping',
      `${name} ended ${container.restartCount ?? 0} times, last with exit code ${ended?.exitCode ?? 'unknown'} (${ended?.reason ?? 'Error'})${text ? `: ${text}` : ''}. All of it: ${where}`,
    )
  }
  return undefined
}

/** True for a pod that has a node, and volumes for it: the API server says so as the scheduler binds it. */
export const isScheduled = (pod: KubeObject): boolean =>
  (pod.status?.conditions ?? []).some(
    (each: { type?: string; status?: string }) => each.type === 'PodScheduled' && each.status === 'True',
  )

const scheduleProblem = (pod: KubeObject): Wait | undefined => {
  const condition = (pod.status?.conditions ?? []).find((each: { type?: string }) => each.type === 'PodScheduled')
  if (condition?.status !== 'False' || condition.reason !== 'Unschedulable') return undefined
  const message = String(condition.message ?? '')
  return /persistentvolumeclaim/i.test(message)
    ? problem(
        'VolumeNotBound',
        `pod ${pod.metadata.name} waits for its volume: ${message}. Check the storage class of the data store`,
      )
    : problem('Unschedulable', `pod ${pod.metadata.name} fits no node: ${message}. Add capacity, or choose a smaller size`)
}

/** The pods of one component. */
export const podsOf = (pods: readonly KubeObject[], component: string): KubeObject[] =>
  pods.filter(({ metadata }) => metadata.labels?.[componentLabel] === component)

const isUnscheduledForLong = (pod: KubeObject, now: Date): boolean =>
  now.getTime() - Date.parse(pod.metadata.creationTimestamp ?? '') > 10_000

/** What keeps the pods of a component from running, as an answer for people; undefined when nothing is wrong, only not done yet. */
export const podProblem = (pods: readonly KubeObject[], now: Date): Wait | undefined => {
  for (const pod of pods) {
    for (const container of (pod.status?.containerStatuses ?? []) as ContainerStatus[]) {
      const found = containerProblem(pod, container)
      if (found) return found
    }
    // A new claim is unbound for a moment: no reason to alarm anybody.
    const found = isUnscheduledForLong(pod, now) ? scheduleProblem(pod) : undefined
    if (found) return found
  }
  return undefined
}

const refusalRemedy = (message: string): string => {
  const quota = /exceeded quota: ([^,\s]+)/.exec(message)?.[1]
  return quota === undefined
    ? 'Let the pods of control planes through in the policy, webhook or limit that it names'
    : `Raise ResourceQuota ${quota} of that namespace, or delete it`
}

/** What a Deployment itself says about pods it cannot make: a quota, an admission policy. */
export const workloadProblem = (workload: KubeObject | undefined): Wait | undefined => {
  const failure = (workload?.status?.conditions ?? []).find((each: { type?: string }) => each.type === 'ReplicaFailure')
  return failure?.status === 'True'
    ? problem(
        'PodsRefused',
        `${workload?.kind} ${workload?.metadata.name} cannot make its pods: ${failure.message}. ${refusalRemedy(failure.message)}`,
      )
    : undefined
}

/** True for a pod that runs nothing any more and is only still there to be looked at. */
export const hasEnded = ({ status }: KubeObject): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded'

export const hasRunningContainer = (pods: readonly KubeObject[]): boolean =>
  pods.some((pod) =>
    ((pod.status?.containerStatuses ?? []) as ContainerStatus[]).some(({ state }) => state?.running !== undefined),
  )

export const hasReadyPod = (pods: readonly KubeObject[]): boolean =>
  pods.some((pod) =>
    (pod.status?.conditions ?? []).some(
      (each: { type?: string; status?: string }) => each.type === 'Ready' && each.status === 'True',
    ),
  )

/** True when every wanted replica of a Deployment or StatefulSet is of its newest revision and ready. */
export const isRolledOut = (workload: KubeObject | undefined): boolean => {
  const { spec, status, metadata } = workload ?? { metadata: {} }
  const wanted = spec?.replicas ?? 1
  return (
    status !== undefined &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status.updatedReplicas ?? 0) >= wanted &&
    (status.readyReplicas ?? 0) >= wanted &&
    (status.replicas ?? 0) === wanted
  )
}
