import type { Log } from '../lib/log.ts'
import type { Tracing } from '../lib/tracing.ts'
import { isTracingWanted } from './tracing-settings.ts'

export interface TracingOptions {
  /** Name of the service unless the environment has one: `berth-manager`. */
  readonly service: string
  /** Of the process; the variables of OpenTelemetry are read. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Share of traces that is kept when nobody says. Default 1. */
  readonly ratio?: number
}

/** Traces that go somewhere. */
export interface OpenTracing extends Tracing {
  /** What goes wrong is told there from now on. Gives what sends the rest, for 3 s at most, and ends it. */
  report(log: Log): () => Promise<void>
}

/** Traces as the environment wants them; undefined, with nothing loaded, when it names no endpoint. */
export const openTracing = async (options: TracingOptions): Promise<OpenTracing | undefined> => {
  if (!isTracingWanted(options.env)) return undefined
  const { createTracing } = await import('./tracing-sdk.ts')
  return createTracing(options)
}
