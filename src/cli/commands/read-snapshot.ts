import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { AppError } from '../../lib/errors.ts'

/** The snapshot, or SNAPSHOT_NOT_FOUND. */
export const readSnapshot = async (
  client: Pick<KubeClient, 'get'>,
  ref: { readonly name: string; readonly namespace: string },
  signal: AbortSignal,
): Promise<ControlPlaneSnapshot> => {
  const snapshot = await client.get<ControlPlaneSnapshot>(resourceTypes.controlPlaneSnapshots, ref, { signal })
  if (snapshot) return snapshot
  const message = `there is no snapshot ${ref.name} in namespace ${ref.namespace}; berth snapshot list shows all`
  throw new AppError('SNAPSHOT_NOT_FOUND', message, {})
}
