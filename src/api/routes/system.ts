import { z } from 'zod'
import { json } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import type { ApiServer } from '../server.ts'

const word = z.object({ status: z.string() })

/** Of the process itself, for everybody: no key is asked for. */
export const systemRoutes = (app: ApiServer, { caches }: ApiDeps): void => {
  const tags = ['System']
  app.get(
    '/healthz',
    {
      schema: {
        tags,
        operationId: 'isAlive',
        summary: 'The process is alive',
        security: [],
        response: { 200: json('It is', word) },
      },
    },
    async () => ({ status: 'ok' }),
  )
  app.get(
    '/readyz',
    {
      schema: {
        tags,
        operationId: 'isReady',
        summary: 'Everything is listed that answers are made of',
        security: [],
        response: { 200: json('It is', word), 503: json('It is not', word) },
      },
    },
    async (_request, reply) => {
      const complaint = caches.complaint()
      return complaint === undefined ? { status: 'ok' } : reply.code(503).send({ status: complaint })
    },
  )
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
