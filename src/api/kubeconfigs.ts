import { stringify } from 'yaml'
import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient, KubeConnection } from '../kube/client.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { kubeconfigLabel } from '../tenancy/marks.ts'
import { kubeconfigSecretName } from '../tenancy/names.ts'
import type { ApiDeps } from './deps.ts'
import { type AccessGrant, accessNamespace, accountName, grantObjects, grantOf, userOf } from './tenant-access.ts'
import { phaseOf } from './tenant-view.ts'

const { clusterRoleBindings, clusterRoles, namespaces, secrets, serviceAccounts } = resourceTypes

/** Of each call to a tenant, which is hostile: it is not waited for, and not read without end. */
const call = { timeoutMs: 5000, maxAnswerBytes: 4 * 1024 * 1024 }
/** Accounts that are looked at; a tenant may have made any number of them. */
const maxGrants = 500
/** The shortest life of a token that Kubernetes gives out, in seconds. */
export const shortestLife = 600

/** A tenant's API server, as its administrator. */
export interface TenantDoor {
  readonly tenant: string
  readonly connection: KubeConnection
  readonly kube: KubeClient
}

const notYet = (tenant: string, message: string) => new AppError('STATE_CONFLICT', `tenant ${tenant} ${message}`, {})

/** Works with a tenant's API server, and says of what fails there that it was the tenant. Throws STATE_CONFLICT while there is none, TENANT_UNREACHABLE. */
export const atTenant = async <T>(
  plane: TenantControlPlane,
  { kube, connectTenant }: Pick<ApiDeps, 'kube' | 'connectTenant'>,
  work: (door: TenantDoor) => Promise<T>,
): Promise<T> => {
  const { name: tenant = '', namespace = '' } = plane.metadata
  const phase = phaseOf(plane)
  if (phase === 'Paused' || phase === 'Hibernated' || phase === 'Deleting')
    throw notYet(tenant, `is ${phase}: nobody answers there`)
  const name = plane.status?.kubeconfigSecret ?? kubeconfigSecretName(tenant)
  const secret = await kube.get<KubeObject>(secrets, { name, namespace })
  const encoded: unknown = secret?.data?.value
  if (typeof encoded !== 'string') throw notYet(tenant, 'has no kubeconfig yet: wait until it is ready')
  const connection = parseKubeconfig(Buffer.from(encoded, 'base64').toString('utf8'))
  const client = connectTenant(connection)
  try {
    return await work({ tenant, connection, kube: client })
  } catch (error) {
    if (!(error instanceof AppError) || !error.code.startsWith('KUBE_')) throw error
    throw new AppError(
      'TENANT_UNREACHABLE',
      `the API server of tenant ${tenant} does not answer as it should; ask again in a while`,
      {
        cause: error,
      },
    )
  } finally {
    await client.close()
  }
}

const made = async (make: () => Promise<unknown>): Promise<void> => {
  try {
    await make()
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  }
}

/** Makes what a grant needs; what is there already stays. The binding comes last: before it the account may do nothing. */
export const grantAccess = async (grant: AccessGrant, { kube }: TenantDoor): Promise<void> => {
  const { namespace, account, clusterRole, binding } = grantObjects(grant)
  await made(() => kube.create(namespaces, namespace, call))
  await made(() => kube.create(serviceAccounts, account, call))
  if (clusterRole) await made(() => kube.create(clusterRoles, clusterRole, call))
  await made(() => kube.create(clusterRoleBindings, binding, call))
}

/** Takes a grant back: first the binding, by which it ends at once, then the account with its tokens. False when nothing of it was there. */
export const revokeAccess = async (id: string, { kube }: TenantDoor): Promise<boolean> => {
  const { bindingName } = grantObjects({ id, expiresAt: '' })
  const gone = [
    await kube.delete(clusterRoleBindings, { name: bindingName }, call),
    await kube.delete(clusterRoles, { name: bindingName }, call),
    await kube.delete(serviceAccounts, { name: accountName(id), namespace: accessNamespace }, call),
  ]
  return gone.some(Boolean)
}

/** The grant of an id; undefined when it is not there (any more). */
export const findGrant = async (id: string, { kube }: TenantDoor): Promise<AccessGrant | undefined> => {
  const account = await kube.get<KubeObject>(serviceAccounts, { name: accountName(id), namespace: accessNamespace }, call)
  return account && grantOf(account)
}

/** Grants of a tenant. Those whose time is over are taken away on the way. */
export const listGrants = async (door: TenantDoor, now: number): Promise<readonly AccessGrant[]> => {
  const { items } = await door.kube.list<KubeObject>(serviceAccounts, {
    namespace: accessNamespace,
    labelSelector: kubeconfigLabel,
    limit: maxGrants,
    ...call,
  })
  const grants = items.flatMap((account) => grantOf(account) ?? [])
  const [alive, over] = [true, false].map((is) => grants.filter(({ expiresAt }) => Date.parse(expiresAt) > now === is))
  for (const { id } of (over ?? []).slice(0, 20)) await revokeAccess(id, door)
  return alive ?? []
}

const tokenAnswer = z.object({
  status: z.object({ token: z.string().min(1).max(16_384), expirationTimestamp: z.string().max(64) }),
})

/** A token of the grant's account that ends with the grant. */
export const issueToken = async (grant: AccessGrant, { kube, tenant }: TenantDoor, now: number): Promise<string> => {
  const seconds = Math.round((Date.parse(grant.expiresAt) - now) / 1000)
  const answer = await kube.create<KubeObject>(
    serviceAccounts,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: accountName(grant.id), namespace: accessNamespace },
      spec: { expirationSeconds: Math.max(shortestLife, seconds) },
    },
    { subresource: 'token', ...call },
  )
  const parsed = tokenAnswer.safeParse(answer)
  if (parsed.success) return parsed.data.status.token
  throw new AppError('TENANT_UNREACHABLE', `the API server of tenant ${tenant} gave no token`, {})
}

/** A kubeconfig that any client reads: groups of one's own come in by its standard fields `as` and `as-groups`. */
export const kubeconfigOf = (grant: AccessGrant, token: string, { tenant, connection }: TenantDoor): string => {
  const { server, ca = '', tlsServerName } = connection
  const user = `${tenant}-${grant.id}`
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: tenant,
          cluster: {
            server,
            'certificate-authority-data': Buffer.from(ca).toString('base64'),
            ...(tlsServerName !== undefined && { 'tls-server-name': tlsServerName }),
          },
        },
      ],
      users: [
        {
          name: user,
          user: {
            token,
            ...(grant.role === undefined && { as: userOf(grant), ...(grant.groups && { 'as-groups': grant.groups }) }),
          },
        },
      ],
      contexts: [{ name: tenant, context: { cluster: tenant, user } }],
      'current-context': tenant,
    },
    { lineWidth: 0 },
  )
}
