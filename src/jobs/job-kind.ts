import type { z } from 'zod'
import type { BackoffOptions } from '../kube/backoff.ts'
import { AppError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** What jobs of one name have in common. Data alone: who adds jobs needs no code that runs them. */
export interface JobKind<P = unknown> {
  /** A DNS label, never changed: stored jobs are found by it. */
  readonly name: string
  /** What a job is about. It names objects and holds no secrets: it is stored in the clear and shown to operators. */
  readonly payload: z.ZodType<P>
  /** Runs of a job that may fail, or lose their process, before it becomes a dead letter. */
  readonly attempts: number
  /** Pauses between runs: doubling, with jitter. */
  readonly backoff: BackoffOptions
  /** After so many ms a run is told to end, and has failed. */
  readonly timeLimitMs: number
  /** Jobs that one process runs at once. */
  readonly concurrency: number
  /** Jobs of one group (a tenant, an organisation) that run at once, so that nobody takes all places. */
  readonly perGroup: number
}

/** What a run knows of itself. */
export interface JobContext {
  /** The same in all runs of a job: what the outside knows it by, so that a second run can be told from a second job. */
  readonly id: string
  /** Larger in each later run of this job: who writes something puts it there, and refuses to write over a larger one. */
  readonly fence: number
  readonly group: string | undefined
  /** 1 in the first run. */
  readonly attempt: number
  /** Ends when the process stops, the time is over, or the job is no longer this process's. A run that goes on after may overlap with the next. */
  readonly signal: AbortSignal
  readonly log: Log
}

/** A kind and what runs its jobs. */
export interface JobHandler {
  readonly kind: JobKind
  /** Resolves when the work is done. Throws what `verdictOf` judges; SPEC_INVALID for a stored payload that does not fit (any more). */
  readonly run: (payload: unknown, context: JobContext) => Promise<void>
}

/** Largest payload, in bytes of JSON: it names things, and is no place to keep them. */
export const maxPayloadBytes = 16 * 1024

/** A payload as its kind has it. Throws SPEC_INVALID, naming each wrong field and none of its values. */
export const parsePayload = <P>(kind: JobKind<P>, payload: unknown): P => {
  const parsed = kind.payload.safeParse(payload)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'payload'}: ${message}`)
  throw new AppError('SPEC_INVALID', `the payload does not fit jobs of kind ${kind.name}: ${faults.join('; ')}`, {
    kind: kind.name,
  })
}

/** The payload that is stored. Throws SPEC_INVALID when it does not fit its kind, or is too large. */
export const checkedPayload = <P>(kind: JobKind<P>, payload: P): P => {
  const checked = parsePayload(kind, payload)
  const bytes = Buffer.byteLength(JSON.stringify(checked) ?? '')
  if (bytes > maxPayloadBytes)
    throw new AppError(
      'SPEC_INVALID',
      `the payload of a job of kind ${kind.name} has ${bytes} bytes, more than ${maxPayloadBytes}: name the object instead`,
      { kind: kind.name, bytes },
    )
  return checked
}

/** Binds a kind to what runs its jobs. */
export const handle = <P>(kind: JobKind<P>, run: (payload: P, context: JobContext) => Promise<void>): JobHandler => ({
  kind,
  run: async (payload, context) => run(parsePayload(kind, payload), context),
})
