import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { kubernetesVersions, type TenantControlPlane, tenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { AppError } from '../../lib/errors.ts'
import { answers, json, writing } from '../answers.ts'
import { pageOf } from '../cursor.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf } from '../etag.ts'
import { labelChanges, labelFilter, labels, tenantName } from '../names.ts'
import type { OperationKind } from '../operation-record.ts'
import type { Reserver } from '../reserve.ts'
import { page, pageQuery, tenantSchema } from '../schemas.ts'
import type { ApiServer } from '../server.ts'
import { passes, tenantOf } from '../tenant-view.ts'
import { changeTenant, createTenant, deleteTenant, deletionOf, readTenant, type TenantChange } from '../tenant-writes.ts'
import { perform } from '../write.ts'
import { accepted, anyBody, headersOfWrite, orgParams, tenantParams } from './shared.ts'

const newTenant = z
  .strictObject({
    name: tenantName,
    labels: labels.optional(),
    spec: tenantControlPlaneSpec
      .optional()
      .describe('As in a TenantControlPlane; what is not said here says the class, then Berth'),
  })
  .meta({ id: 'NewTenant' })

const tenantPatch = z
  .strictObject({
    labels: labelChanges.optional(),
    spec: z.looseObject({}).optional().describe('Fields of the spec of a TenantControlPlane; null takes one away'),
  })
  .meta({ id: 'TenantPatch', description: 'JSON merge patch (RFC 7396)' })

const listQuery = pageQuery.extend({
  state: z.enum(['Running', 'Paused', 'Hibernated']).optional().describe('What is asked for'),
  version: z.enum(kubernetesVersions).optional().describe('Kubernetes version that runs'),
  class: z.string().min(1).max(63).optional().describe('TenantClass that it names'),
  ready: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  label: z
    .union([labelFilter, z.array(labelFilter).max(10)])
    .optional()
    .describe('key=value; may be given more than once, and then all must fit'),
})

const pauseBody = z
  .strictObject({ hibernate: z.boolean().optional().describe('Its pods go to zero as well, not its control plane alone') })
  .nullish()
const upgradeBody = z.strictObject({ version: z.enum(kubernetesVersions).describe('Kubernetes version to go to') })

type ChangeRequest = FastifyRequest<{ Params: z.output<typeof tenantParams> }>

interface Change {
  readonly kind: OperationKind
  readonly wanted?: Readonly<Record<string, unknown>>
  readonly changeOf: (plane: TenantControlPlane, wanted: Readonly<Record<string, unknown>>) => TenantChange
}

/** One write on a tenant by a merge patch. */
const performChange = (
  { kind, wanted = {}, changeOf }: Change,
  { request, reply }: { readonly request: ChangeRequest; readonly reply: FastifyReply },
  deps: ApiDeps,
): Promise<FastifyReply> => {
  const { org: organization, tenant: name } = request.params
  const ifMatch = request.headers['if-match']
  return perform(
    {
      kind,
      organization,
      tenant: name,
      wanted,
      takesTime: true,
      run: async (record) => {
        const change = (plane: TenantControlPlane) => changeOf(plane, record.wanted)
        const { target } = await changeTenant({ name, organization }, change, { record, ifMatch }, deps)
        return { target }
      },
    },
    { request, reply },
    deps,
  )
}

const tags = ['Tenants']

export const tenantRoutes = (app: ApiServer, deps: ApiDeps, reserver: Reserver): void => {
  app.get(
    '/v1/organizations/:org/tenants',
    {
      config: { needs: { scope: 'tenants:read' } },
      schema: {
        tags,
        operationId: 'listTenants',
        summary: 'List tenants',
        params: orgParams,
        querystring: listQuery,
        response: answers({ 200: json('Those that all filters let through, by name', page(tenantSchema)) }),
      },
    },
    async ({ params, query }) => {
      const { limit, cursor, label, ...filter } = query
      const wanted = { ...filter, label: typeof label === 'string' ? [label] : label }
      const seen = deps.caches.tenants(params.org).filter((plane) => passes(plane, wanted))
      const { items, nextCursor } = pageOf(seen, ({ metadata }) => metadata.name ?? '', { cursor, limit })
      return { items: items.map(tenantOf), ...(nextCursor !== undefined && { nextCursor }) }
    },
  )

  app.post(
    '/v1/organizations/:org/tenants',
    {
      config: { needs: { scope: 'tenants:write' } },
      schema: {
        tags,
        operationId: 'createTenant',
        summary: 'Make a tenant',
        params: orgParams,
        headers: headersOfWrite,
        body: newTenant,
        response: answers(accepted, ...writing),
      },
    },
    async (request, reply) => {
      const { body } = request
      const organization = request.params.org
      return perform(
        {
          kind: 'create',
          organization,
          tenant: body.name,
          takesTime: true,
          run: (record) => createTenant(body, organization, record, { deps, reserver }),
        },
        { request, reply },
        deps,
      )
    },
  )

  app.get(
    '/v1/organizations/:org/tenants/:tenant',
    {
      config: { needs: { scope: 'tenants:read' } },
      schema: {
        tags,
        operationId: 'getTenant',
        summary: 'Show a tenant',
        params: tenantParams,
        response: answers({ 200: json('The tenant; its state is in ETag', tenantSchema) }),
      },
    },
    async ({ params }, reply) => {
      const plane = await readTenant({ name: params.tenant, organization: params.org }, deps)
      return reply.header('etag', etagOf(plane.metadata)).send(tenantOf(plane))
    },
  )

  app.patch(
    '/v1/organizations/:org/tenants/:tenant',
    {
      config: { needs: { scope: 'tenants:write' } },
      schema: {
        tags,
        operationId: 'updateTenant',
        summary: 'Change a tenant by a JSON merge patch',
        consumes: anyBody,
        params: tenantParams,
        headers: headersOfWrite,
        body: tenantPatch,
        response: answers(accepted, ...writing),
      },
    },
    async (request, reply) => performChange({ kind: 'update', changeOf: () => request.body }, { request, reply }, deps),
  )

  app.delete(
    '/v1/organizations/:org/tenants/:tenant',
    {
      config: { needs: { scope: 'tenants:write' } },
      schema: {
        tags,
        operationId: 'deleteTenant',
        summary: 'Delete a tenant with all that it has',
        params: tenantParams,
        headers: headersOfWrite,
        response: answers(accepted, 409, 412, 422),
      },
    },
    async (request, reply) => {
      const { org: organization, tenant: name } = request.params
      const place = { name, organization }
      return perform(
        {
          kind: 'delete',
          organization,
          tenant: name,
          wanted: await deletionOf(place, deps),
          takesTime: true,
          run: async (record) => {
            const target = await deleteTenant(place, { record, ifMatch: request.headers['if-match'] }, deps)
            // It was made, so that nobody makes it any more: its organisation need not wait for that.
            await reserver.release(organization, name)
            return { target }
          },
        },
        { request, reply },
        deps,
      )
    },
  )

  app.post(
    '/v1/organizations/:org/tenants/:tenant/pause',
    {
      config: { needs: { scope: 'tenants:write' } },
      schema: {
        tags,
        operationId: 'pauseTenant',
        summary: 'Take the control plane of a tenant to zero, and its pods too if asked; its data are kept',
        params: tenantParams,
        headers: headersOfWrite,
        body: pauseBody,
        response: answers(accepted, ...writing),
      },
    },
    async (request, reply) => {
      const state = request.body?.hibernate ? 'Hibernated' : 'Paused'
      return performChange({ kind: 'pause', wanted: { state }, changeOf: () => ({ spec: { state } }) }, { request, reply }, deps)
    },
  )

  app.post(
    '/v1/organizations/:org/tenants/:tenant/resume',
    {
      config: { needs: { scope: 'tenants:write' } },
      schema: {
        tags,
        operationId: 'resumeTenant',
        summary: 'Bring a paused or hibernated tenant back',
        params: tenantParams,
        headers: headersOfWrite,
        response: answers(accepted, ...writing),
      },
    },
    async (request, reply) => {
      const wanted = { state: 'Running' }
      return performChange({ kind: 'resume', wanted, changeOf: () => ({ spec: wanted }) }, { request, reply }, deps)
    },
  )

  app.post(
    '/v1/organizations/:org/tenants/:tenant/upgrade',
    {
      config: { needs: { scope: 'tenants:write' } },
      schema: {
        tags,
        operationId: 'upgradeTenant',
        summary: 'Bring a tenant to another version of Kubernetes; asks once more where that has failed',
        params: tenantParams,
        headers: headersOfWrite,
        body: upgradeBody,
        response: answers(accepted, ...writing),
      },
    },
    async (request, reply) => {
      const { version } = request.body
      const wanted = { version, requestedAt: new Date(deps.now()).toISOString() }
      const changeOf: Change['changeOf'] = ({ metadata, status }, noted) => {
        if (metadata.deletionTimestamp) throw new AppError('STATE_CONFLICT', `tenant ${metadata.name} is being deleted`, {})
        const isAgain = status?.upgrade?.phase === 'Failed' && status.upgrade.to === version
        return { spec: { version, ...(isAgain && { upgrade: { requestedAt: noted['requestedAt'] } }) } }
      }
      return performChange({ kind: 'upgrade', wanted, changeOf }, { request, reply }, deps)
    },
  )
}
