import swagger from '@fastify/swagger'
import { type FastifyBaseLogger, type FastifyReply, type FastifyRequest, fastify, LogController } from 'fastify'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { AppError, explainError } from '../lib/errors.ts'
import type { Tracing } from '../lib/tracing.ts'
import { admit, createAuthenticator } from './authenticate.ts'
import type { ApiDeps } from './deps.ts'
import { documentInfo, tidied } from './document.ts'
import { faultsOf, unknownFields } from './faults.ts'
import { createHttpMetrics } from './http-metrics.ts'
import { methodsOf } from './methods.ts'
import { problemOf, retryAfterSeconds } from './problem.ts'
import { requestIdOf } from './request-id.ts'
import { createReserver } from './reserve.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { eventRoutes } from './routes/events.ts'
import { kubeconfigRoutes } from './routes/kubeconfigs.ts'
import { operationRoutes } from './routes/operations.ts'
import { organizationRoutes } from './routes/organizations.ts'
import { snapshotRoutes } from './routes/snapshots.ts'
import { systemRoutes } from './routes/system.ts'
import { tenantRoutes } from './routes/tenants.ts'
import { usageRoutes } from './routes/usage.ts'
import { webhookDeliveryRoutes } from './routes/webhook-deliveries.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import type { ApiServer, ApiTypes } from './server.ts'
import { createStreams } from './streams.ts'
import { traceRequests } from './trace-requests.ts'

/** Largest body of a request. */
const bodyLimit = 256 * 1024

const zodOf = (schema: unknown): z.ZodType | undefined => (schema instanceof z.ZodType ? schema : undefined)

/** The HTTP API without a port: tests ask it by `inject`, the process lets it listen. */
export const createApp = async (
  deps: ApiDeps,
  { registry, tracing }: { readonly registry?: Registry; readonly tracing?: Tracing | undefined } = {},
): Promise<ApiServer> => {
  const metrics = registry && createHttpMetrics(registry)
  const sendProblem = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    void reply.header('x-request-id', request.id)
    const problem = problemOf(error, request.id)
    metrics?.problems.inc({ code: problem.code })
    if (problem.status >= 500)
      request.log.error({ err: error, reason: explainError(error), code: problem.code }, 'request failed')
    const wait = retryAfterSeconds(error, problem.status)
    if (wait !== undefined) void reply.header('retry-after', wait)
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer')
    void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
  }
  const app: ApiServer = fastify({
    loggerInstance: deps.log as FastifyBaseLogger,
    genReqId: requestIdOf,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit,
    requestTimeout: 30_000,
    // Of what goes to a proxy and back: longer than its own.
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    // What is wrong before there is a route: a URL that cannot be decoded.
    frameworkErrors: sendProblem,
    routerOptions: { maxParamLength: 512 },
  }).withTypeProvider<ApiTypes>()
  const authenticator = createAuthenticator(deps)
  const reserver = createReserver(deps)
  const streams = createStreams(deps, authenticator.isAlive)
  const routes: { readonly method: string; readonly url: string }[] = []

  /** Of a request that fits no route. */
  const notThere = (request: FastifyRequest, reply: FastifyReply): AppError => {
    const allowed = methodsOf(routes, request.url)
    if (allowed.length === 0) return new AppError('ROUTE_NOT_FOUND', 'there is no such path; /openapi.json lists all', {})
    void reply.header('allow', allowed.join(', '))
    return new AppError('METHOD_NOT_ALLOWED', `this path has ${allowed.join(', ')}`, {})
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  )
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const zod = zodOf(schema)
    if (!zod) return (value: unknown) => ({ value })
    return (value: unknown) => {
      const parsed = zod.safeParse(value)
      const unknown = httpPart === 'body' ? unknownFields(value, zod) : []
      if (parsed.success && unknown.length === 0) {
        // A body is passed on as it was written: defaults are not the API's to fill in.
        return { value: httpPart === 'body' ? value : parsed.data }
      }
      const found = [...(parsed.success ? [] : faultsOf(parsed.error)), ...unknown]
      const place = (pointer: string) =>
        httpPart === 'querystring' ? `?${pointer.slice(1)}` : httpPart === 'body' ? pointer : `{${pointer.slice(1)}}`
      const errors = [...new Map(found.map((fault) => [fault.pointer, { ...fault, pointer: place(fault.pointer) }])).values()]
      const which = errors.map(({ pointer, detail }) => `${pointer || 'the body'} ${detail}`).join('; ')
      return { error: new AppError('REQUEST_INVALID', `wrong: ${which.slice(0, 2000)}`, { errors }) }
    }
  })
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))

  traceRequests(app, tracing)
  // Before the server waits for its connections to end: streams do not by themselves.
  app.addHook('preClose', async () => streams.stop())
  app.decorateRequest('principal', undefined)
  app.decorateRequest('organization', undefined)
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, url })
  })
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id)
    // Before a body is looked at: what is wrong with it is no matter then.
    if (request.is404) throw notThere(request, reply)
    const needs = request.routeOptions.config?.needs
    if (needs) await admit(request, needs, authenticator, deps)
  })
  app.addHook('onResponse', async (request, reply) => {
    const { method, principal } = request
    const route = request.routeOptions.url ?? 'unknown'
    const ms = Math.round(reply.elapsedTime)
    metrics?.seconds.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
    const who = principal && {
      apiKey: principal.keyId,
      organization: request.organization?.metadata.name ?? principal.organization,
    }
    request.log[reply.statusCode >= 500 ? 'warn' : 'info']({ method, route, status: reply.statusCode, ms, ...who }, 'answered')
  })
  app.setErrorHandler(sendProblem)

  await app.register(swagger, {
    openapi: documentInfo,
    transform: createJsonSchemaTransform({}),
    transformObject: (document) => tidied(createJsonSchemaTransformObject({})(document)),
  })
  // Routes are told to the document from here on.
  await app.register(async (scope) => {
    const server = scope.withTypeProvider<ApiTypes>()
    organizationRoutes(server, deps)
    tenantRoutes(server, deps, reserver)
    kubeconfigRoutes(server, deps)
    snapshotRoutes(server, deps)
    usageRoutes(server, deps)
    operationRoutes(server, deps)
    eventRoutes(server, streams)
    webhookRoutes(server, deps)
    webhookDeliveryRoutes(server, deps)
    apiKeyRoutes(server, deps)
    systemRoutes(server, deps)
  })
  return app
}
