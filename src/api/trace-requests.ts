import type { Span, Tracing } from '../lib/tracing.ts'
import type { ApiServer } from './server.ts'

const header = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

/** Makes each request a span, of the trace that its caller sent along if there is one. Before all other hooks. */
export const traceRequests = (app: ApiServer, tracing: Tracing | undefined): void => {
  if (!tracing) return
  const spans = new WeakMap<object, Span>()
  app.addHook('onRequest', (request, _reply, done) => {
    const { method, headers, id } = request
    const route = request.routeOptions.url ?? 'unknown'
    const span = tracing.begin(`${method} ${route}`, {
      kind: 'server',
      caller: { traceparent: header(headers['traceparent']), tracestate: header(headers['tracestate']) },
      attributes: { 'http.request.method': method, 'http.route': route, 'berth.request_id': id },
    })
    spans.set(request, span)
    span.within(done)
  })
  // A body is read in the name of its connection, which belongs to no request.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request)
    if (span) span.within(done)
    else done()
  })
  app.addHook('onError', (request, _reply, error, done) => {
    spans.get(request)?.set({ 'error.type': (error as { code?: unknown }).code === undefined ? error.name : String(error.code) })
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request)
    if (!span) return done()
    const { statusCode } = reply
    span.set({ 'http.response.status_code': statusCode, 'berth.api_key': request.principal?.keyId })
    // What is logged of its end is of it still.
    span.within(done)
    span.end(statusCode >= 500 ? new Error(`HTTP ${statusCode}`) : undefined)
  })
}
