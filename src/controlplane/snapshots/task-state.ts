import type { KubeObject } from '../../apis/kube-object.ts'
import { podProblem } from '../diagnose.ts'
import { lastWords } from '../last-words.ts'
import { besideNames } from '../names.ts'

/** How a Job that carries out an order stands. */
export type TaskState =
  | { readonly kind: 'absent' }
  /** `trouble`: what keeps it, or went wrong in the try before. */
  | { readonly kind: 'running'; readonly trouble?: string }
  /** `result`: what its last container had to say. */
  | { readonly kind: 'done'; readonly result: string }
  | { readonly kind: 'failed'; readonly why: string }

interface Ended {
  readonly exitCode?: number
  readonly message?: string
  readonly finishedAt?: string
}

const endsOf = ({ status }: KubeObject): Ended[] =>
  [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(
    // What runs beside ends because the others have.
    ({ name, state }: { name?: string; state?: { terminated?: Ended } }) =>
      state?.terminated && !besideNames.includes(name ?? '') ? [state.terminated] : [],
  )

/** Why the latest try went wrong. */
const troubleOf = (pods: readonly KubeObject[], now: Date): string | undefined => {
  const failed = pods
    .flatMap(endsOf)
    .filter(({ exitCode }) => exitCode !== 0)
    .toSorted((a, b) => String(b.finishedAt).localeCompare(String(a.finishedAt)))
  if (failed[0]) return lastWords(failed[0].message ?? '') || `it ended with exit code ${failed[0].exitCode}`
  const problem = podProblem(pods, now)
  return problem?.message
}

const hasCondition = (job: KubeObject, ...types: readonly string[]): boolean =>
  ((job.status?.conditions ?? []) as { type: string; status: string }[]).some(
    ({ type, status }) => types.includes(type) && status === 'True',
  )

/** What a Job and its pods say. It is over only when its pods have ended: until then Kubernetes says what it is going to be (batch/v1, FailureTarget). */
export const taskState = (job: KubeObject | undefined, pods: readonly KubeObject[], now: Date): TaskState => {
  if (!job || job.metadata.deletionTimestamp) return { kind: 'absent' }
  const trouble = troubleOf(pods, now)
  if (hasCondition(job, 'Complete')) {
    const done = pods.find(({ status }) => status?.phase === 'Succeeded')
    return {
      kind: 'done',
      result: (done?.status?.containerStatuses?.[0]?.state?.terminated?.message as string | undefined) ?? '',
    }
  }
  if (hasCondition(job, 'Failed')) return { kind: 'failed', why: trouble ?? 'its Job failed, and left no word' }
  return { kind: 'running', ...(trouble !== undefined && { trouble }) }
}
