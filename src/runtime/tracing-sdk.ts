import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  createTraceState,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import { explainError } from '../lib/errors.ts'
import type { Span, SpanAttributes, SpanOptions } from '../lib/tracing.ts'
import { parseTraceparent, traceparentText } from './traceparent.ts'
import type { OpenTracing, TracingOptions } from './tracing.ts'
import { type Sampling, tracingSettings } from './tracing-settings.ts'

/** How long a process that stops waits for its last spans to be taken. */
const lastExportMs = 3000
/** What goes wrong with traces is told this often at most. */
const complainEveryMs = 60_000

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT } as const

const samplerOf = ({ ratio, asParent }: Sampling) => {
  const root = new TraceIdRatioBasedSampler(ratio)
  return asParent ? new ParentBasedSampler({ root }) : root
}

/** The span that work belongs to. What it left behind, a timer or a watch, is not of it any more once it has ended. */
interface Around {
  readonly context: Context
  hasEnded: boolean
}

/** The context that a caller sent, or that around. */
const parentOf = (caller: SpanOptions['caller'], around: Context | undefined): Context => {
  if (caller === undefined) return around ?? ROOT_CONTEXT
  const parent = parseTraceparent(caller.traceparent)
  if (!parent) return ROOT_CONTEXT
  const { traceId, spanId, isKept } = parent
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: isKept ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(caller.tracestate !== undefined && { traceState: createTraceState(caller.tracestate) }),
  })
}

const given = (attributes: SpanAttributes): Record<string, string | number | boolean> =>
  Object.fromEntries(Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))

/** Traces by OTLP over HTTP. Where they go, and with which headers, the exporter reads from the environment itself. */
export const createTracing = ({ service, env, ratio }: TracingOptions): OpenTracing => {
  const settings = tracingSettings(env, ratio === undefined ? {} : { ratio })
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': service }))
    .merge(detectResources({ detectors: [envDetector] }))
  const { maxQueueSize, maxExportBatchSize, scheduledDelayMillis } = settings
  const exporter = new OTLPTraceExporter()
  const provider = new TracerProvider({
    resource,
    sampler: samplerOf(settings.sampling),
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize, maxExportBatchSize, scheduledDelayMillis })],
  })
  const tracer = provider.getTracer('berth')
  const around = new AsyncLocalStorage<Around>()

  const present = (): Context | undefined => {
    const found = around.getStore()
    return found?.hasEnded === false ? found.context : undefined
  }

  const begin = (name: string, { attributes = {}, kind, caller }: SpanOptions = {}): Span => {
    const parent = parentOf(caller, present())
    const span = tracer.startSpan(
      name,
      { attributes: given(attributes), kind: kind === undefined ? SpanKind.INTERNAL : kinds[kind] },
      parent,
    )
    const own: Around = { context: trace.setSpan(parent, span), hasEnded: false }
    return {
      set: (more) => void span.setAttributes(given(more)),
      within: (work) => around.run(own, work),
      end: (error) => {
        own.hasEnded = true
        if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: explainError(error).slice(0, 1000) })
        span.end()
      },
    }
  }
  const here = () => {
    const context = present()
    return context && trace.getSpanContext(context)
  }

  return {
    begin,
    run: async (name, options, work) => {
      const span = begin(name, options)
      try {
        const result = await span.within(() => work(span))
        span.end()
        return result
      } catch (error) {
        span.end(error)
        throw error
      }
    },
    get isKept() {
      return ((here()?.traceFlags ?? 0) & TraceFlags.SAMPLED) !== 0
    },
    ids: () => {
      const span = here()
      return span ? { trace_id: span.traceId, span_id: span.spanId } : {}
    },
    traceparent: () => {
      const span = here()
      return span && traceparentText({ ...span, isKept: (span.traceFlags & TraceFlags.SAMPLED) !== 0 })
    },
    report: (log) => {
      for (const complaint of settings.complaints) log.warn({ reason: complaint }, 'traces are not as wanted')
      let saidAt = Number.NEGATIVE_INFINITY
      const complain = (message: string): void => {
        if (performance.now() - saidAt < complainEveryMs) return
        saidAt = performance.now()
        log.warn({ reason: message.slice(0, 500) }, 'traces are lost')
      }
      const none = (): void => {}
      diag.setLogger(
        { error: complain, warn: complain, info: none, debug: none, verbose: none },
        { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
      )
      return async () => {
        const { promise: late, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, lastExportMs)
        await Promise.race([provider.shutdown().catch((error: unknown) => complain(explainError(error))), late])
        clearTimeout(timer)
      }
    },
  }
}
