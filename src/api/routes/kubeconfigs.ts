import { z } from 'zod'
import { AppError } from '../../lib/errors.ts'
import { answers, json, nothing, writing } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import {
  atTenant,
  findGrant,
  grantAccess,
  issueToken,
  kubeconfigOf,
  listGrants,
  revokeAccess,
  shortestLife,
} from '../kubeconfigs.ts'
import { page } from '../schemas.ts'
import type { ApiServer } from '../server.ts'
import { type AccessGrant, accessGroups, accessUser, isGrantId } from '../tenant-access.ts'
import { readTenant } from '../tenant-writes.ts'
import { perform } from '../write.ts'
import { headersOfWrite, tenantParams } from './shared.ts'

const kubeconfigParams = tenantParams.extend({ kubeconfig: z.string().describe('Id of the kubeconfig') })
const role = z.enum(['admin', 'edit', 'view'])

const newKubeconfig = z
  .strictObject({
    name: z.string().min(1).max(100).optional().describe('For people'),
    role: role.optional().describe("Kubernetes' cluster-admin, edit or view, in all of the tenant"),
    user: accessUser.optional().describe('In the place of a role: user name, whose rights the tenant gives itself'),
    groups: accessGroups.optional().describe('Its groups'),
    expiresInSeconds: z.int().min(shortestLife).max(86_400).optional().describe('Unset: 3600'),
  })
  .refine(({ role: of, user, groups }) => (of === undefined) !== (user === undefined && groups === undefined), {
    message: 'either a role, or a user or groups',
    path: ['role'],
  })
  .meta({
    id: 'NewKubeconfig',
    // The refinement, for the document: it has no words for one.
    oneOf: [{ required: ['role'] }, { anyOf: [{ required: ['user'] }, { required: ['groups'] }] }],
  })

const grantSchema = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    role: role.optional(),
    user: z.string().optional(),
    groups: z.array(z.string()).optional(),
    expiresAt: z.string().meta({ format: 'date-time' }),
  })
  .meta({ id: 'Kubeconfig' })
const issuedSchema = grantSchema
  .extend({ kubeconfig: z.string().describe('YAML, told this once') })
  .meta({ id: 'IssuedKubeconfig' })

const tags = ['Kubeconfigs']
const notThere = () => new AppError('KUBECONFIG_NOT_FOUND', 'there is no such kubeconfig, or it is revoked or over', {})

export const kubeconfigRoutes = (app: ApiServer, deps: ApiDeps): void => {
  const { now } = deps
  app.get(
    '/v1/organizations/:org/tenants/:tenant/kubeconfigs',
    {
      config: { needs: { scope: 'kubeconfigs:read' } },
      schema: {
        tags,
        operationId: 'listKubeconfigs',
        summary: 'List kubeconfigs that are valid still',
        params: tenantParams,
        response: answers({ 200: json('They are, without themselves', page(grantSchema)) }, 409),
      },
    },
    async ({ params }) => {
      const plane = await readTenant({ name: params.tenant, organization: params.org }, deps)
      return { items: await atTenant(plane, deps, (door) => listGrants(door, now())) }
    },
  )

  app.post(
    '/v1/organizations/:org/tenants/:tenant/kubeconfigs',
    {
      config: { needs: { scope: 'kubeconfigs:write' } },
      schema: {
        tags,
        operationId: 'createKubeconfig',
        summary: 'Make a kubeconfig that ends by itself, and can be revoked at once',
        params: tenantParams,
        headers: headersOfWrite,
        body: newKubeconfig,
        response: answers({ 201: json('It is made', issuedSchema) }, ...writing),
      },
    },
    async (request, reply) => {
      const { org: organization, tenant } = request.params
      const { expiresInSeconds = 3600, ...about } = request.body
      const expiresAt = new Date(now() + expiresInSeconds * 1000).toISOString()
      return perform(
        {
          kind: 'write',
          organization,
          tenant,
          wanted: { expiresAt },
          takesTime: false,
          isSecret: true,
          run: async (record) => {
            const id = record.id.slice(0, 16)
            const grant: AccessGrant = { ...about, id, expiresAt: String(record.wanted['expiresAt']) }
            const plane = await readTenant({ name: tenant, organization }, deps)
            const kubeconfig = await atTenant(plane, deps, async (door) => {
              // One that was told before may have been revoked since: it does not come back.
              if (record.answer && !(await findGrant(id, door))) throw notThere()
              await grantAccess(grant, door)
              return kubeconfigOf(grant, await issueToken(grant, door, now()), door)
            })
            const location = `/v1/organizations/${organization}/tenants/${tenant}/kubeconfigs/${id}`
            return { answer: { status: 201, headers: { location, 'cache-control': 'no-store' }, body: { ...grant, kubeconfig } } }
          },
        },
        { request, reply },
        deps,
      )
    },
  )

  app.delete(
    '/v1/organizations/:org/tenants/:tenant/kubeconfigs/:kubeconfig',
    {
      config: { needs: { scope: 'kubeconfigs:write' } },
      schema: {
        tags,
        operationId: 'revokeKubeconfig',
        summary: 'Revoke a kubeconfig at once',
        params: kubeconfigParams,
        response: answers({ 204: nothing('It lets nobody in any more') }, 409),
      },
    },
    async ({ params }, reply) => {
      const { org: organization, tenant: name, kubeconfig: id } = params
      const plane = await readTenant({ name, organization }, deps)
      if (!isGrantId(id)) throw notThere()
      const wasThere = await atTenant(plane, deps, (door) => revokeAccess(id, door))
      if (!wasThere) throw notThere()
      return reply.code(204).send()
    },
  )
}
