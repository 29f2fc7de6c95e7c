import { type Logger, pino } from 'pino'

export type Log = Logger

/** The process's logger: JSON lines on stdout. Bind tenant, kind and name with `log.child()`; object first, constant message. */
export const createLog = ({ process, level }: { process: string; level: string }): Log =>
  pino({ level, base: { process }, timestamp: pino.stdTimeFunctions.isoTime, redact: ['*.token', '*.key', '*.authorization'] })
