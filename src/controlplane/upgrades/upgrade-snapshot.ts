import { generateIdentity, identityToRecipient } from 'age-encryption'
import type { ControlPlaneSnapshot } from '../../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import type { UpgradeStatus } from '../../apis/upgrade.ts'
import { controlPlaneLabel, managedByBerth, managedByLabel, upgradeLabel } from '../../tenancy/marks.ts'
import { shortHash } from '../../tenancy/names.ts'
import type { Deps } from '../deps.ts'
import type { SnapshotState } from './upgrade-plan.ts'

type Asked = Pick<TenantControlPlane, 'metadata' | 'spec'>

/** Name of the snapshot that an upgrade begins with, and of the Secret with the key that opens it: another one for each upgrade. */
export const upgradeSnapshotName = ({ metadata }: Asked, { to, startedAt }: UpgradeStatus): string =>
  `${metadata.name}-before-${to.replaceAll('.', '-')}-${shortHash([metadata.uid ?? '', to, startedAt], 8)}`

/** True when an upgrade of this tenant begins with a snapshot. */
export const isSaved = ({ spec }: Pick<TenantControlPlane, 'spec'>): boolean =>
  spec.upgrade.snapshot !== 'Never' && spec.backup.storage !== undefined && spec.dataStore.kind === 'dedicated'

/** Why an upgrade that has to begin with a snapshot cannot. */
export const snapshotRefusal = ({ spec }: Pick<TenantControlPlane, 'spec'>): string | undefined => {
  if (spec.upgrade.snapshot !== 'Required' || isSaved({ spec })) return undefined
  return spec.dataStore.kind === 'dedicated'
    ? 'spec.upgrade.snapshot is Required, and spec.backup.storage says not where: name a storage'
    : 'spec.upgrade.snapshot is Required, and the tenant has no data store of its own, which whoever runs it saves: set it to Never'
}

const refOf = ({ metadata }: Asked, name: string) => ({ name, namespace: metadata.namespace ?? '' })

/** The key by which the manager alone can open an encrypted snapshot again, while the upgrade lasts: made once. Gives its public half. */
const keepIdentity = async (tenant: Asked, name: string, { kube, signal }: Deps): Promise<string> => {
  const ref = refOf(tenant, name)
  const stored = await kube.get(resourceTypes.secrets, ref, { signal })
  const known: unknown = stored?.data?.['identity']
  if (typeof known === 'string') return identityToRecipient(Buffer.from(known, 'base64').toString('utf8').trim())
  const identity = await generateIdentity()
  const labels = { [managedByLabel]: managedByBerth, [controlPlaneLabel]: tenant.metadata.uid ?? '' }
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      ...ref,
      labels,
      // It goes with the tenant, also when nobody is there to delete it.
      ownerReferences: [
        {
          apiVersion: 'berth.dev/v1alpha1',
          kind: 'TenantControlPlane',
          name: tenant.metadata.name ?? '',
          uid: tenant.metadata.uid ?? '',
        },
      ],
    },
    data: { identity: Buffer.from(identity).toString('base64') },
  }
  await kube.create(resourceTypes.secrets, secret, { signal })
  return identityToRecipient(identity)
}

/** How the snapshot of an upgrade stands; makes it when it is not there and `isWanted`. */
export const keepSnapshot = async (
  tenant: Asked,
  { name, isWanted }: { readonly name: string; readonly isWanted: boolean },
  deps: Deps,
): Promise<SnapshotState> => {
  const { kube, signal } = deps
  const { storage, recipients } = tenant.spec.backup
  const found = await kube.get<ControlPlaneSnapshot>(resourceTypes.controlPlaneSnapshots, refOf(tenant, name), { signal })
  if (found) {
    const { phase, conditions = [] } = found.status ?? {}
    const message = conditions.find(({ type }) => type === 'Complete')?.message ?? 'it is being taken'
    if (found.metadata.deletionTimestamp) return { kind: 'running', message: 'one that could not be taken is being deleted' }
    if (phase === 'Complete') return { kind: 'complete' }
    return { kind: phase === 'Failed' ? 'failed' : 'running', message }
  }
  if (!isWanted || storage === undefined) return { kind: 'absent' }
  const own = recipients.length > 0 ? [await keepIdentity(tenant, name, deps)] : []
  const snapshot: ControlPlaneSnapshot = {
    apiVersion: 'berth.dev/v1alpha1',
    kind: 'ControlPlaneSnapshot',
    metadata: { ...refOf(tenant, name), labels: { [upgradeLabel]: tenant.metadata.name ?? '' } },
    spec: { tenantName: tenant.metadata.name ?? '', storage, recipients: [...recipients, ...own], deletionPolicy: 'Delete' },
  }
  await kube.create(resourceTypes.controlPlaneSnapshots, snapshot, { signal })
  return { kind: 'absent' }
}

/** Takes a snapshot away that could not be taken, so that the next try makes another one. */
export const dropSnapshot = async (tenant: Asked, name: string, { kube, signal }: Deps): Promise<void> => {
  await kube.delete(resourceTypes.controlPlaneSnapshots, refOf(tenant, name), { signal })
}

/** Takes the key of a snapshot away. */
export const dropKey = async (tenant: Asked, name: string, { kube, signal }: Deps): Promise<void> => {
  const ref = refOf(tenant, name)
  const key = await kube.get(resourceTypes.secrets, ref, { signal })
  const { uid } = key?.metadata ?? {}
  if (key?.metadata.labels?.[controlPlaneLabel] === tenant.metadata.uid)
    await kube.delete(resourceTypes.secrets, ref, { ...(uid !== undefined && { uid }), signal })
}

/** After an upgrade: of its own snapshots only the last complete one stays. */
export const tidySnapshots = async (tenant: Asked, last: string | undefined, { kube, signal }: Deps): Promise<void> => {
  const { namespace = '', name = '' } = tenant.metadata
  if (last === undefined) return
  const { items } = await kube.list<ControlPlaneSnapshot>(resourceTypes.controlPlaneSnapshots, {
    namespace,
    labelSelector: `${upgradeLabel}=${name}`,
    signal,
  })
  const isThere = items.some(({ metadata, status }) => metadata.name === last && status?.phase === 'Complete')
  if (!isThere) return
  for (const { metadata, status } of items) {
    // Those of an earlier tenant of the same name are not this one's to delete.
    if (metadata.name === last || metadata.deletionTimestamp || status?.tenantUid !== tenant.metadata.uid) continue
    await kube.delete(resourceTypes.controlPlaneSnapshots, refOf(tenant, metadata.name ?? ''), { signal })
  }
}
