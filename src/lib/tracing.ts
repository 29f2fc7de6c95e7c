/** What is told of a span beside its name and its times. It names objects and holds no secrets. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>

export interface SpanOptions {
  readonly attributes?: SpanAttributes
  /** `server`: work for a caller; `client`: a call of somebody else. Default: neither. */
  readonly kind?: 'server' | 'client'
  /** W3C trace context of the caller, who need not be trusted: what is no such header counts as none, and a trace begins. Default: the span around. */
  readonly caller?: { readonly traceparent?: string | undefined; readonly tracestate?: string | undefined }
}

/** A piece of work while it lasts. */
export interface Span {
  set(attributes: SpanAttributes): void
  /** What it calls, at once or later, belongs to it. */
  within<T>(work: () => T): T
  /** Once. With an error it has failed. */
  end(error?: unknown): void
}

/** Ids of the span around, by the names that log lines have them under. */
export interface TraceIds {
  readonly trace_id?: string
  readonly span_id?: string
}

/** Traces of this process. There is none unless somebody wants them: who holds it as undefined pays nothing. */
export interface Tracing {
  begin(name: string, options?: SpanOptions): Span
  /** Does the work within a span, which ends with it and fails when it throws. */
  run<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>
  /** True within a span that is kept. */
  readonly isKept: boolean
  ids(): TraceIds
  /** W3C header for a call that belongs to the span around. */
  traceparent(): string | undefined
}

/** The work within a span where there is tracing, else just the work. */
export const traced = <T>(
  tracing: Tracing | undefined,
  name: string,
  attributes: SpanAttributes,
  work: (span?: Span) => Promise<T>,
): Promise<T> => (tracing === undefined ? work() : tracing.run(name, { attributes }, work))
