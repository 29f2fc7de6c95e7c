import { z } from 'zod'
import { conditionSchema } from '../../apis/condition-schema.ts'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { answers, json, writing } from '../answers.ts'
import { pageOf } from '../cursor.ts'
import type { ApiDeps } from '../deps.ts'
import { objectName, tenantName } from '../names.ts'
import { page, pageQuery } from '../schemas.ts'
import type { ApiServer } from '../server.ts'
import { deleteSnapshot, readSnapshot, snapshotDeletionOf, snapshotOf, takeSnapshot } from '../snapshots.ts'
import { changeTenant } from '../tenant-writes.ts'
import { perform } from '../write.ts'
import { accepted, headersOfWrite, orgParams, tenantParams } from './shared.ts'

const text = z.string()
const snapshotSchema = z
  .object({
    name: text,
    organization: text,
    tenant: text,
    uid: text,
    createdAt: text.meta({ format: 'date-time' }),
    deleting: z.boolean(),
    phase: z.enum(['Pending', 'Running', 'Complete', 'Failed']),
    location: text.optional(),
    sizeBytes: z.int().optional(),
    sha256: text.optional(),
    encrypted: z.boolean().optional(),
    version: text.optional(),
    completedAt: text.meta({ format: 'date-time' }).optional(),
    conditions: z.array(conditionSchema),
  })
  .meta({ id: 'Snapshot' })

const newSnapshot = z
  .strictObject({ tenant: tenantName, name: objectName.optional().describe('Unset: of the tenant and the operation') })
  .meta({ id: 'NewSnapshot' })
const newRestore = z
  .strictObject({
    snapshot: z.string().min(1).max(253),
    identitySecretName: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe("Secret of the organisation's namespace with the private key of age, for a snapshot that is encrypted"),
  })
  .meta({ id: 'NewRestore' })
const snapshotParams = orgParams.extend({ snapshot: z.string().describe('Name of the snapshot') })
const listQuery = pageQuery.extend({ tenant: z.string().max(63).optional().describe('Only those of this tenant') })
const tags = ['Snapshots']

export const snapshotRoutes = (app: ApiServer, deps: ApiDeps): void => {
  app.get(
    '/v1/organizations/:org/snapshots',
    {
      config: { needs: { scope: 'snapshots:read' } },
      schema: {
        tags,
        operationId: 'listSnapshots',
        summary: 'List snapshots',
        params: orgParams,
        querystring: listQuery,
        response: answers({ 200: json('By name', page(snapshotSchema)) }),
      },
    },
    async ({ params, query }) => {
      const { tenant, ...place } = query
      const { items: all } = await deps.kube.list<ControlPlaneSnapshot>(resourceTypes.controlPlaneSnapshots, {
        namespace: params.org,
      })
      const seen = all.filter(({ spec }) => tenant === undefined || spec.tenantName === tenant)
      const { items, nextCursor } = pageOf(seen, ({ metadata }) => metadata.name ?? '', place)
      return { items: items.map(snapshotOf), ...(nextCursor !== undefined && { nextCursor }) }
    },
  )

  app.post(
    '/v1/organizations/:org/snapshots',
    {
      config: { needs: { scope: 'snapshots:write' } },
      schema: {
        tags,
        operationId: 'createSnapshot',
        summary: 'Save the data of a tenant to where its spec says',
        params: orgParams,
        headers: headersOfWrite,
        body: newSnapshot,
        response: answers(accepted, ...writing),
      },
    },
    async (request, reply) => {
      const { tenant, name } = request.body
      const organization = request.params.org
      return perform(
        {
          kind: 'snapshot',
          organization,
          tenant,
          wanted: name === undefined ? {} : { snapshot: name },
          takesTime: true,
          run: async (record) => ({ target: await takeSnapshot(organization, record, deps) }),
        },
        { request, reply },
        deps,
      )
    },
  )

  app.get(
    '/v1/organizations/:org/snapshots/:snapshot',
    {
      config: { needs: { scope: 'snapshots:read' } },
      schema: {
        tags,
        operationId: 'getSnapshot',
        summary: 'Show a snapshot',
        params: snapshotParams,
        response: answers({ 200: json('The snapshot', snapshotSchema) }),
      },
    },
    async ({ params }) => snapshotOf(await readSnapshot(params.snapshot, params.org, deps)),
  )

  app.delete(
    '/v1/organizations/:org/snapshots/:snapshot',
    {
      config: { needs: { scope: 'snapshots:write' } },
      schema: {
        tags,
        operationId: 'deleteSnapshot',
        summary: 'Delete a snapshot with what it stored',
        params: snapshotParams,
        headers: headersOfWrite,
        response: answers(accepted, 409, 422),
      },
    },
    async (request, reply) => {
      const { org: organization, snapshot: name } = request.params
      return perform(
        {
          kind: 'delete-snapshot',
          organization,
          wanted: await snapshotDeletionOf(name, organization, deps),
          takesTime: true,
          run: async (record) => ({ target: await deleteSnapshot(name, organization, record, deps) }),
        },
        { request, reply },
        deps,
      )
    },
  )

  app.post(
    '/v1/organizations/:org/tenants/:tenant/restore',
    {
      config: { needs: { scope: 'snapshots:write' } },
      schema: {
        tags,
        operationId: 'restoreTenant',
        summary: 'Put the data of a snapshot in the place of those of a tenant',
        description:
          'What the tenant has now is not saved first: take a snapshot before. Nothing changes in super before an operator says so.',
        params: tenantParams,
        headers: headersOfWrite,
        body: newRestore,
        response: answers(accepted, ...writing),
      },
    },
    async (request, reply) => {
      const { org: organization, tenant: name } = request.params
      const { snapshot, identitySecretName } = request.body
      const ifMatch = request.headers['if-match']
      const requestedAt = new Date(deps.now()).toISOString()
      const before = deps.caches.tenants(organization).find(({ metadata }) => metadata.name === name)?.status?.restore?.id
      return perform(
        {
          kind: 'restore',
          organization,
          tenant: name,
          wanted: { snapshot, requestedAt, ...(before !== undefined && { before }) },
          takesTime: true,
          run: async (record) => {
            await readSnapshot(snapshot, organization, deps)
            const restore = {
              snapshotName: snapshot,
              requestedAt: record.wanted['requestedAt'],
              identitySecretName: identitySecretName ?? null,
            }
            const { target } = await changeTenant(
              { name, organization },
              () => ({ spec: { restore } }),
              { record, ifMatch },
              deps,
            )
            return { target }
          },
        },
        { request, reply },
        deps,
      )
    },
  )
}
