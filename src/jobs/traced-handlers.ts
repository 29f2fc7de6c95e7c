import { type Tracing, traced } from '../lib/tracing.ts'
import type { JobHandler } from './job-kind.ts'

/** Handlers of which each run is a trace. */
export const tracedHandlers = (handlers: readonly JobHandler[], tracing: Tracing | undefined): readonly JobHandler[] =>
  tracing === undefined
    ? handlers
    : handlers.map(({ kind, run }) => ({
        kind,
        run: (payload, context) => {
          const { id, attempt, group } = context
          const attributes = { 'berth.job': id, 'berth.job_kind': kind.name, 'berth.attempt': attempt, 'berth.group': group }
          return traced(tracing, `job ${kind.name}`, attributes, () => run(payload, context))
        },
      }))
