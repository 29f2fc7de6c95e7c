import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { kubeconfigSecretName } from '../tenancy/names.ts'

/** The administrator's kubeconfig of a tenant, as the manager published it. Throws TENANT_UNREACHABLE while there is none. */
export const readKubeconfig = async (
  client: Pick<KubeClient, 'get'>,
  { metadata: { name = '', namespace = '' }, status }: Pick<TenantControlPlane, 'metadata' | 'status'>,
  signal: AbortSignal,
): Promise<string> => {
  const secretName = status?.kubeconfigSecret ?? kubeconfigSecretName(name)
  const secret = await client.get<KubeObject>(resourceTypes.secrets, { name: secretName, namespace }, { signal })
  const encoded: unknown = secret?.data?.value ?? secret?.data?.kubeconfig
  if (typeof encoded === 'string' && encoded !== '') return Buffer.from(encoded, 'base64').toString('utf8')
  throw new AppError(
    'TENANT_UNREACHABLE',
    `tenant ${name} has no kubeconfig yet; berth tenant get ${name} shows how far it is`,
    {},
  )
}
