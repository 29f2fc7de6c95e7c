import { z } from 'zod'
import { AppError } from '../../lib/errors.ts'
import { answers } from '../answers.ts'
import type { ApiServer } from '../server.ts'
import type { Streams } from '../streams.ts'
import { orgParams } from './shared.ts'

const headers = z.object({
  'last-event-id': z.string().max(64).optional().describe('The stream goes on after this event, as far as it is known still'),
})

export const eventRoutes = (app: ApiServer, streams: Streams): void => {
  app.get(
    '/v1/organizations/:org/events',
    {
      config: { needs: { scope: 'tenants:read' } },
      exposeHeadRoute: false,
      schema: {
        tags: ['Events'],
        operationId: 'streamEvents',
        summary: 'What happens to the tenants of an organisation, as server-sent events',
        description:
          'Events `tenant.changed`, `tenant.ready` and `tenant.deleted` with the tenant as data. `reset`, before all others: what happened since Last-Event-ID is not known any more, so list the tenants. `start`: nothing was missed. A client that reads too slowly is cut.',
        params: orgParams,
        headers,
        response: answers({
          200: {
            description: 'Events until one of both sides ends the stream',
            content: { 'text/event-stream': { schema: z.string() } },
          },
        }),
      },
    },
    (request, reply) => {
      const { principal } = request
      if (!principal) throw new AppError('UNAUTHENTICATED', 'an API key is needed', {})
      streams.check(request.params.org)
      reply.hijack()
      const { raw } = reply
      // Of a proxy before the API: it is to pass on each event at once.
      raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'x-request-id': request.id,
      })
      raw.flushHeaders()
      streams.serve({ organization: request.params.org, principal, lastEventId: request.headers['last-event-id'] }, raw)
    },
  )
}
