import type { KubeObject } from '../../apis/kube-object.ts'
import { explainError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { JobObjects } from './job-objects.ts'
import { type JobRecord, jobObject, readJob } from './record.ts'

export interface ClaimOptions {
  readonly objects: Pick<JobObjects, 'replace' | 'read'>
  readonly namespace: string
  readonly me: string
  /** How long others wait after a renewal that they saw. */
  readonly forMs: number
  readonly log: Log
  /** Told of each answer to an own write. */
  readonly onWritten: (object: KubeObject) => void
}

/** A job that this process holds, renewed until it is let go. */
export interface Claim {
  readonly record: JobRecord
  /** As it was written last. */
  object(): KubeObject
  /** Ends when it is, or may soon be, another's: a third of its time before others may take it. */
  readonly lost: AbortSignal
  /** Ends the renewals; resolves when none is under way. */
  release(): Promise<void>
}

/** Claims a job as it was read; undefined when somebody else was quicker. */
export const takeClaim = async (read: KubeObject, record: JobRecord, options: ClaimOptions): Promise<Claim | undefined> => {
  const { objects, namespace, me, forMs, log, onWritten } = options
  const held = (): JobRecord => ({ ...record, claim: { by: me, forMs, renewedAt: new Date().toISOString() } })
  const safeMs = (forMs * 2) / 3
  let asked = performance.now()
  const written = await objects.replace(jobObject(namespace, held(), read))
  if (!written) return undefined
  onWritten(written)

  let object = written
  const lost = new AbortController()
  const over = new AbortController()
  let safety: NodeJS.Timeout | undefined
  const guard = () => {
    clearTimeout(safety)
    // From when the renewal was asked for, not answered: others may have seen it then.
    safety = setTimeout(() => lost.abort(), Math.max(0, asked + safeMs - performance.now()))
  }
  guard()

  const renew = async () => {
    const began = performance.now()
    try {
      let answer = await objects.replace(jobObject(namespace, held(), object), over.signal)
      if (!answer) {
        // Somebody may have put a label on it; or the answer to the last renewal was lost.
        const now = await objects.read(object.metadata.name ?? '')
        const seen = now && readJob(now)
        if (!now || seen?.claim?.by !== me || seen.fence !== record.fence) return lost.abort()
        answer = await objects.replace(jobObject(namespace, held(), now), over.signal)
        if (!answer) return
      }
      object = answer
      asked = began
      onWritten(answer)
      guard()
    } catch (error) {
      if (!over.signal.aborted) log.warn({ reason: explainError(error), job: record.id }, 'cannot renew the claim of a job')
    }
  }
  let renewing: Promise<void> | undefined
  const timer = setInterval(() => {
    renewing ??= renew().finally(() => {
      renewing = undefined
    })
  }, forMs / 3)

  return {
    record,
    object: () => object,
    lost: lost.signal,
    release: async () => {
      clearInterval(timer)
      clearTimeout(safety)
      await renewing
      over.abort()
    },
  }
}
