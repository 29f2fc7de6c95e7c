import { z } from 'zod'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { AppError, hasCode } from '../../lib/errors.ts'
import {
  displayNameAnnotation,
  lastOperationAnnotation,
  madeByOperationAnnotation,
  organizationLabel,
  quotaAnnotation,
  reservationsAnnotation,
} from '../../tenancy/marks.ts'
import { answers, json, nothing, writing } from '../answers.ts'
import { isSeenBy } from '../authenticate.ts'
import { pageOf } from '../cursor.ts'
import type { ApiDeps } from '../deps.ts'
import { etagOf, matches } from '../etag.ts'
import { mergePatched } from '../merge-patch.ts'
import { organizationName } from '../names.ts'
import type { OperationRecord } from '../operation-record.ts'
import { organizationOf, quotaOf, quotaSchema } from '../organization.ts'
import { readReservations, reservationLifeMs, reservedNames } from '../reservations.ts'
import { organizationSchema, page, pageQuery } from '../schemas.ts'
import type { ApiServer } from '../server.ts'
import { grantAccess } from '../sweep.ts'
import { perform } from '../write.ts'
import { anyBody, headersOfWrite, orgParams } from './shared.ts'

const { namespaces, tenantControlPlanes } = resourceTypes
const displayName = z.string().min(1).max(253)

const newOrganization = z
  .strictObject({
    name: organizationName.describe('Also the name of its namespace'),
    displayName: displayName.optional(),
    quota: quotaSchema.optional(),
  })
  .meta({ id: 'NewOrganization' })

const organizationPatch = z
  .strictObject({
    displayName: displayName.nullable().optional(),
    quota: z
      .strictObject({ tenants: z.int().min(0).max(100_000).nullable().optional() })
      .nullable()
      .optional(),
  })
  .meta({ id: 'OrganizationPatch', description: 'JSON merge patch (RFC 7396): null takes a field away' })

const create = async (
  body: z.output<typeof newOrganization>,
  record: OperationRecord,
  { kube, caches }: ApiDeps,
): Promise<KubeObject> => {
  const { name } = body
  try {
    const made = await kube.create<KubeObject>(namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        labels: { [organizationLabel]: name },
        annotations: {
          [madeByOperationAnnotation]: record.id,
          ...(body.displayName !== undefined && { [displayNameAnnotation]: body.displayName }),
          ...(body.quota && { [quotaAnnotation]: JSON.stringify(body.quota) }),
        },
      },
    })
    await grantAccess(kube, name)
    caches.observe.organization(made)
    return made
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  }
  const there = await kube.get<KubeObject>(namespaces, { name })
  if (there?.metadata.annotations?.[madeByOperationAnnotation] === record.id) {
    await grantAccess(kube, name)
    return there
  }
  throw new AppError('ALREADY_EXISTS', `the name ${name} is taken: choose another one`, {})
}

const readOrganization = async (name: string, { kube }: ApiDeps): Promise<KubeObject> => {
  const namespace = await kube.get<KubeObject>(namespaces, { name })
  if (namespace) return namespace
  throw new AppError('ORGANIZATION_NOT_FOUND', `there is no organisation ${name}`, {})
}

const requireMatch = (namespace: KubeObject, ifMatch: string | undefined): void => {
  if (ifMatch === undefined || matches(ifMatch, namespace.metadata)) return
  throw new AppError('PRECONDITION_FAILED', `organisation ${namespace.metadata.name} is no longer as If-Match says`, {})
}

const change = async (
  name: string,
  body: z.output<typeof organizationPatch>,
  { record, ifMatch }: { readonly record: OperationRecord; readonly ifMatch: string | undefined },
  deps: ApiDeps,
): Promise<KubeObject> => {
  const before = await readOrganization(name, deps)
  if (before.metadata.annotations?.[lastOperationAnnotation] === record.id) return before
  requireMatch(before, ifMatch)
  const quota = body.quota === null ? null : body.quota && JSON.stringify(mergePatched(quotaOf(before), body.quota))
  const annotations = {
    [lastOperationAnnotation]: record.id,
    ...(body.displayName !== undefined && { [displayNameAnnotation]: body.displayName }),
    ...(quota !== undefined && { [quotaAnnotation]: quota }),
  }
  // What a merge patch keeps of the quota was read: nobody may have changed it since.
  const { uid, resourceVersion } = before.metadata
  const metadata = { uid, resourceVersion, annotations }
  const after = await deps.kube.patch<KubeObject>(namespaces, { name }, { metadata }, { type: 'merge' })
  deps.caches.observe.organization(after)
  return after
}

/** Deletes an organisation without tenants. Who is about to make one has changed the namespace by then: it is deleted only as it was read. */
const remove = async (
  name: string,
  { ifMatch }: { readonly ifMatch: string | undefined },
  { kube, now }: ApiDeps,
): Promise<void> => {
  const namespace = await kube.get<KubeObject>(namespaces, { name })
  if (!namespace || namespace.metadata.deletionTimestamp) return
  requireMatch(namespace, ifMatch)
  const { items } = await kube.list(tenantControlPlanes, { namespace: name, metadataOnly: true })
  if (items.length > 0)
    throw new AppError('ORGANIZATION_IN_USE', `organisation ${name} has ${items.length} tenants: delete them first`, {})
  const reserved = reservedNames(readReservations(namespace.metadata.annotations?.[reservationsAnnotation]))
  if (reserved.some(([, since]) => now() - since < reservationLifeMs))
    throw new AppError(
      'ORGANIZATION_IN_USE',
      `a tenant of organisation ${name} may be in the making: ask again in two minutes`,
      {},
    )
  const { uid = '', resourceVersion = '' } = namespace.metadata
  await kube.delete(namespaces, { name }, { uid, resourceVersion })
}

export const organizationRoutes = (app: ApiServer, deps: ApiDeps): void => {
  const { caches } = deps
  const show = (namespace: KubeObject) => ({
    ...organizationOf(namespace),
    tenants: caches.tenants(namespace.metadata.name ?? '').length,
  })
  const tags = ['Organizations']

  app.get(
    '/v1/organizations',
    {
      config: { needs: { scope: 'organizations:read' } },
      schema: {
        tags,
        operationId: 'listOrganizations',
        summary: 'List organisations',
        querystring: pageQuery,
        response: answers({ 200: json('Those that the API key may see, by name', page(organizationSchema)) }),
      },
    },
    async ({ query, principal }) => {
      const seen = caches.organizations().filter((namespace) => principal !== undefined && isSeenBy(namespace, principal))
      const { items, nextCursor } = pageOf(seen, ({ metadata }) => metadata.name ?? '', query)
      return { items: items.map(show), ...(nextCursor !== undefined && { nextCursor }) }
    },
  )

  app.post(
    '/v1/organizations',
    {
      config: { needs: { scope: 'organizations:write', platformOnly: true } },
      schema: {
        tags,
        operationId: 'createOrganization',
        summary: 'Make an organisation',
        headers: headersOfWrite,
        body: newOrganization,
        response: answers({ 201: json('It is made', organizationSchema) }, ...writing),
      },
    },
    async (request, reply) =>
      perform(
        {
          kind: 'write',
          takesTime: false,
          run: async (record) => {
            const made = await create(request.body, record, deps)
            const headers = { etag: etagOf(made.metadata), location: `/v1/organizations/${request.body.name}` }
            return { answer: { status: 201, headers, body: show(made) } }
          },
        },
        { request, reply },
        deps,
      ),
  )

  app.get(
    '/v1/organizations/:org',
    {
      config: { needs: { scope: 'organizations:read' } },
      schema: {
        tags,
        operationId: 'getOrganization',
        summary: 'Show an organisation',
        params: orgParams,
        response: answers({ 200: json('The organisation; its state is in ETag', organizationSchema) }),
      },
    },
    async ({ params }, reply) => {
      const namespace = await readOrganization(params.org, deps)
      return reply.header('etag', etagOf(namespace.metadata)).send(show(namespace))
    },
  )

  app.patch(
    '/v1/organizations/:org',
    {
      config: { needs: { scope: 'organizations:write', platformOnly: true } },
      schema: {
        tags,
        operationId: 'updateOrganization',
        summary: 'Change an organisation by a JSON merge patch',
        consumes: anyBody,
        params: orgParams,
        headers: headersOfWrite,
        body: organizationPatch,
        response: answers({ 200: json('The organisation as it is now', organizationSchema) }, ...writing),
      },
    },
    async (request, reply) =>
      perform(
        {
          kind: 'write',
          takesTime: false,
          run: async (record) => {
            const ifMatch = request.headers['if-match']
            const after = await change(request.params.org, request.body, { record, ifMatch }, deps)
            return { answer: { status: 200, headers: { etag: etagOf(after.metadata) }, body: show(after) } }
          },
        },
        { request, reply },
        deps,
      ),
  )

  app.delete(
    '/v1/organizations/:org',
    {
      config: { needs: { scope: 'organizations:write', platformOnly: true } },
      schema: {
        tags,
        operationId: 'deleteOrganization',
        summary: 'Delete an organisation that has no tenants',
        params: orgParams,
        headers: headersOfWrite,
        response: answers({ 204: nothing('It is being deleted') }, 409, 412, 422),
      },
    },
    async (request, reply) =>
      perform(
        {
          kind: 'write',
          takesTime: false,
          run: async () => {
            await remove(request.params.org, { ifMatch: request.headers['if-match'] }, deps)
            return {}
          },
        },
        { request, reply },
        deps,
      ),
  )
}
