type Env = Readonly<Record<string, string | undefined>>

/** True when the environment names a place for traces, and does not say that there are to be none. */
export const isTracingWanted = (env: Env): boolean =>
  Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT']) &&
  env['OTEL_SDK_DISABLED']?.toLowerCase() !== 'true' &&
  env['OTEL_TRACES_EXPORTER'] !== 'none'

/** Which traces are kept. */
export interface Sampling {
  /** Share of the traces that begin here, from 0 to 1. */
  readonly ratio: number
  /** Whether a trace that somebody else began is kept as they decided. */
  readonly asParent: boolean
}

/** What the environment wants of traces. */
export interface TracingSettings {
  readonly sampling: Sampling
  /** Spans that wait for their export; later ones are dropped. */
  readonly maxQueueSize: number
  readonly maxExportBatchSize: number
  /** Ms. */
  readonly scheduledDelayMillis: number
  /** What was not understood, and what is done instead: traces stop no process. */
  readonly complaints: readonly string[]
}

const samplers: Readonly<Record<string, { readonly ratio?: number; readonly asParent: boolean }>> = {
  always_on: { ratio: 1, asParent: false },
  always_off: { ratio: 0, asParent: false },
  traceidratio: { asParent: false },
  parentbased_always_on: { ratio: 1, asParent: true },
  parentbased_always_off: { ratio: 0, asParent: true },
  parentbased_traceidratio: { asParent: true },
}

/** Reads the variables of OpenTelemetry that its library leaves to others. `ratio`: share of traces that is kept when nobody says. */
export const tracingSettings = (env: Env, { ratio: ownRatio = 1 }: { readonly ratio?: number } = {}): TracingSettings => {
  const complaints: string[] = []
  const numberOf = (name: string, fallback: number, { least, most }: { least: number; most: number }): number => {
    const text = env[name]?.trim()
    if (!text) return fallback
    const value = Number(text)
    if (value >= least && value <= most) return value
    complaints.push(`${name} has to be a number from ${least} to ${most}; ${fallback} is used`)
    return fallback
  }
  const sampling = (): Sampling => {
    const wanted = env['OTEL_TRACES_SAMPLER']?.trim()
    if (!wanted) return { ratio: ownRatio, asParent: true }
    const known = Object.hasOwn(samplers, wanted) ? samplers[wanted] : undefined
    if (known)
      return { asParent: known.asParent, ratio: known.ratio ?? numberOf('OTEL_TRACES_SAMPLER_ARG', 1, { least: 0, most: 1 }) }
    complaints.push(`OTEL_TRACES_SAMPLER has to be one of ${Object.keys(samplers).join(', ')}; a share of ${ownRatio} is kept`)
    return { ratio: ownRatio, asParent: true }
  }
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL']
  if (protocol && !protocol.startsWith('http/')) complaints.push('traces go by OTLP over HTTP as JSON, whatever the protocol')
  const maxQueueSize = numberOf('OTEL_BSP_MAX_QUEUE_SIZE', 2048, { least: 1, most: 100_000 })
  return {
    sampling: sampling(),
    maxQueueSize,
    maxExportBatchSize: Math.min(maxQueueSize, numberOf('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, { least: 1, most: 100_000 })),
    scheduledDelayMillis: numberOf('OTEL_BSP_SCHEDULE_DELAY', 5000, { least: 1, most: 600_000 }),
    complaints,
  }
}
