import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { AppError } from '../../lib/errors.ts'
import { csvOf } from '../../usage/csv.ts'
import { dayMs, dayOf, hourMs, hourOf, monthOf, monthStart } from '../../usage/hours.ts'
import { periodFaults, type UsagePeriod, usageSteps } from '../../usage/report.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import { prefersCsv } from '../media.ts'
import { page, pageQuery } from '../schemas.ts'
import type { ApiServer } from '../server.ts'
import { usagePage } from '../usage.ts'
import { orgParams } from './shared.ts'

const text = z.string()
const time = text.meta({ format: 'date-time' })
const hours = (what: string) => text.meta({ example: '12.500000' }).describe(`${what}, with six decimals`)

const usageSchema = z
  .object({
    organization: text,
    tenant: text,
    uid: text,
    deleted: z.boolean().describe('The tenant is gone; its usage is kept'),
    from: time,
    to: time.describe('Not in it. Hours that are older than a week or so are told as whole days'),
    existedHours: hours('Hours that the tenant was there'),
    runningHours: hours('Hours that its control plane ran'),
    cpuCoreHours: hours('Core-hours that its pods had reserved by their requests'),
    memoryGiBHours: hours('GiB-hours that its pods had reserved by their requests'),
    storageGiBHours: hours('GiB-hours of its bound volume claims'),
    objectHours: hours('Objects that its API server stored, in hours'),
    requests: z.int().describe('Requests that its API server answered, of all clients'),
    unmeasuredWorkloadSeconds: text.describe(
      'Seconds in which cores, memory and storage could not be measured: nothing is counted for them',
    ),
    unmeasuredApiSeconds: text.describe('Seconds in which objects could not be measured: nothing is counted for them'),
  })
  .meta({ id: 'Usage' })

const moment = z.union([z.iso.date(), z.iso.datetime()], {
  error: 'a date as 2026-11-01, or a time of UTC as 2026-11-01T10:00:00Z',
})
const usageQuery = pageQuery.extend({
  from: moment.optional().describe('Beginning, UTC: a day, or with step hour a full hour. Unset: the first of the month of `to`'),
  to: moment.optional().describe('End, not in it. Unset: the end of the hour or day that runs'),
  step: z.enum(usageSteps).default('day').describe('One row of each tenant for each of these'),
  format: z.enum(['json', 'csv']).optional().describe('Goes before the header Accept'),
})
type UsageQuery = z.output<typeof usageQuery>
const headers = z.object({ accept: z.string().optional().describe('application/json or text/csv') })
const usageParams = orgParams.extend({
  tenant: z.string().describe('Name or UID of the tenant. A name is of all tenants that ever had it; a UID of one'),
})

/** Throws REQUEST_INVALID with every wrong field. */
const periodOf = ({ from, to, step }: UsageQuery, now: number): UsagePeriod => {
  const end = to !== undefined ? Date.parse(to) : step === 'hour' ? hourOf(now) + hourMs : dayOf(now) + dayMs
  const begin = from === undefined ? monthStart(monthOf(end - 1)) : Date.parse(from)
  const period = { from: begin, to: end, step }
  const errors = periodFaults(period).map(({ field, detail }) => ({ pointer: `?${field}`, detail }))
  if (errors.length === 0) return period
  const which = errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ')
  throw new AppError('REQUEST_INVALID', `wrong: ${which}`, { errors })
}

const columns = [
  'organization',
  'tenant',
  'uid',
  'deleted',
  'from',
  'to',
  'existedHours',
  'runningHours',
  'cpuCoreHours',
  'memoryGiBHours',
  'storageGiBHours',
  'objectHours',
  'requests',
  'unmeasuredWorkloadSeconds',
  'unmeasuredApiSeconds',
] as const satisfies readonly (keyof z.output<typeof usageSchema>)[]

const description =
  'Decimals are text, exact to the last one; sums are made before they are rounded. What is measured is written every few minutes: the last ones are not in it yet. With text/csv the next page is in the header Link.'
const ok = {
  200: {
    description: 'By UID and time',
    headers: { Link: { type: 'string', description: 'rel="next": the next page, when there is one' } },
    content: { 'application/json': { schema: page(usageSchema) }, 'text/csv': { schema: text } },
  },
} as const
const tags = ['Usage']

export const usageRoutes = (app: ApiServer, deps: ApiDeps): void => {
  const answer = async (
    asked: { readonly organization: string; readonly tenant?: string; readonly query: UsageQuery },
    { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  ) => {
    const { organization, tenant, query } = asked
    const { limit, cursor, format } = query
    const period = periodOf(query, deps.now())
    const found = await usagePage({ organization, tenant, period, cursor, limit }, deps)
    void reply.header('vary', 'accept')
    if (found.nextCursor !== undefined) {
      // With the period as it was understood: the next page is of the same one, however late it is asked for.
      const next = new URLSearchParams({
        from: new Date(period.from).toISOString(),
        to: new Date(period.to).toISOString(),
        step: period.step,
        limit: String(limit),
        cursor: found.nextCursor,
        ...(format !== undefined && { format }),
      })
      void reply.header('link', `<${request.url.split('?')[0]}?${next.toString()}>; rel="next"`)
    }
    if (!(format === 'csv' || (format === undefined && prefersCsv(request.headers.accept)))) return found
    void reply.header('content-disposition', 'attachment; filename="usage.csv"')
    return reply.type('text/csv; charset=utf-8; header=present').send(csvOf(columns, found.items))
  }

  app.get(
    '/v1/organizations/:org/usage',
    {
      config: { needs: { scope: 'usage:read' } },
      schema: {
        tags,
        operationId: 'listUsage',
        summary: 'What the tenants of an organisation used, for billing',
        description,
        params: orgParams,
        querystring: usageQuery,
        headers,
        response: answers(ok),
      },
    },
    async (request, reply) => answer({ organization: request.params.org, query: request.query }, { request, reply }),
  )

  app.get(
    '/v1/organizations/:org/tenants/:tenant/usage',
    {
      config: { needs: { scope: 'usage:read' } },
      schema: {
        tags,
        operationId: 'getTenantUsage',
        summary: 'What one tenant used, also one that is gone',
        description,
        params: usageParams,
        querystring: usageQuery,
        headers,
        response: answers(ok),
      },
    },
    async (request, reply) => {
      const { org: organization, tenant } = request.params
      return answer({ organization, tenant, query: request.query }, { request, reply })
    },
  )
}
