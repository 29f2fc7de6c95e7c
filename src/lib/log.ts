import { type Logger, pino } from 'pino'
import type { Tracing } from './tracing.ts'

export type Log = Logger

export interface LogOptions {
  readonly process: string
  readonly level: string
  /** Lines of work that is traced carry the ids of its trace and span. */
  readonly tracing?: Tracing | undefined
}

/** The process's logger: JSON lines on stdout. Bind tenant, kind and name with `log.child()`; object first, constant message. */
export const createLog = ({ process, level, tracing }: LogOptions): Log =>
  pino({
    level,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['*.token', '*.key', '*.authorization'],
    ...(tracing && { mixin: () => tracing.ids() }),
  })
