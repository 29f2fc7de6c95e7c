import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { parseKubeconfig } from '../kube/kubeconfig.ts'
import { hasCode } from '../lib/errors.ts'
import { kubeconfigSecretName, type TenantRef } from '../tenancy/names.ts'
import type { Neighbour } from './check.ts'

const isUp = ({ metadata, status }: TenantControlPlane): boolean =>
  !metadata.deletionTimestamp &&
  status?.controlPlaneNamespace !== undefined &&
  (status.conditions ?? []).some(({ type, status: is }) => type === 'APIServerReady' && is === 'True')

/** Undefined where whoever asks may not read it: the account of scheduled runs reads those of tenants with a schedule only. */
const readableSecret = async (
  ref: { readonly name: string; readonly namespace: string },
  { management, signal }: { readonly management: KubeClient; readonly signal: AbortSignal },
): Promise<KubeObject | undefined> => {
  try {
    return await management.get<KubeObject>(resourceTypes.secrets, ref, { signal })
  } catch (error) {
    if (!hasCode(error, 'KUBE_FORBIDDEN')) throw error
    return undefined
  }
}

/** Another tenant that is up, the first whose kubeconfig may be read. Of that only the address and the authority are kept. */
export const findNeighbour = async (
  tenant: TenantRef,
  { management, signal }: { readonly management: KubeClient; readonly signal: AbortSignal },
): Promise<Neighbour | undefined> => {
  const { items } = await management.list<TenantControlPlane>(resourceTypes.tenantControlPlanes, { signal })
  // Those beside it first: of these it is likeliest that they may be read.
  const others = items
    .filter((plane) => plane.metadata.uid !== tenant.uid && isUp(plane))
    .toSorted((a, b) => Number(b.metadata.namespace === tenant.namespace) - Number(a.metadata.namespace === tenant.namespace))
  for (const { metadata, status } of others) {
    const { name = '', namespace = '', uid = '' } = metadata
    const ref = { name: status?.kubeconfigSecret ?? kubeconfigSecretName(name), namespace }
    const secret = await readableSecret(ref, { management, signal })
    const encoded: unknown = secret?.data?.value
    if (typeof encoded !== 'string') continue
    const { server, ca, tlsServerName } = parseKubeconfig(Buffer.from(encoded, 'base64').toString('utf8'))
    return {
      name,
      uid,
      controlPlaneNamespace: status?.controlPlaneNamespace ?? '',
      connection: { server, ...(ca !== undefined && { ca }), ...(tlsServerName !== undefined && { tlsServerName }) },
    }
  }
  return undefined
}
