import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import type { LoadOrder, RemapOrder, SnapshotHeader } from '../../apis/snapshot-task.ts'
import { AppError } from '../../lib/errors.ts'
import { readHeader } from '../../snapshots/load.ts'
import { controlPlaneLabel, loadingAnnotation } from '../../tenancy/marks.ts'
import { controlPlaneNamespace } from '../../tenancy/names.ts'
import { slicesOf } from '../../tenancy/slices.ts'
import { labelsOf, type Plane } from '../components/plane.ts'
import { etcd } from '../data-stores/etcd.ts'
import type { Deps } from '../deps.ts'
import { componentNames, secretNames } from '../names.ts'
import { etcdMember } from '../pki/plan.ts'
import type { Round } from '../steps.ts'
import type { RestoreRequest } from './restore-plan.ts'

/** A store that takes longer to answer is no store to restore from just now. */
const storeMs = 15_000

/** What is stored says of itself. Throws what the store throws, and SNAPSHOT_UNREADABLE. */
export const headerOf = async (
  { storage, ...stored }: Pick<LoadOrder, 'storage' | 'key' | 'identity'>,
  { openStore, signal }: Pick<Deps, 'openStore' | 'signal'>,
): Promise<SnapshotHeader> => {
  const store = openStore(storage, AbortSignal.any([signal, AbortSignal.timeout(storeMs)]))
  try {
    return await readHeader(stored, store)
  } finally {
    store.close()
  }
}

/** Roots that an encrypted snapshot has in it, by the Secrets that they come from. */
export const rootSecrets: readonly string[] = [
  secretNames.encryptionKey,
  secretNames.serviceAccountKeys,
  secretNames.clusterAuthority,
  secretNames.etcdAuthority,
  secretNames.frontProxyAuthority,
]

/** The key of the tenant that was saved: of the snapshot, where it is in it, or of that tenant as long as it is there. */
export const sourceKeyOf = async (
  { tenant, roots }: SnapshotHeader,
  { kube, signal }: Pick<Deps, 'kube' | 'signal'>,
): Promise<string | undefined> => {
  const saved = roots?.[secretNames.encryptionKey]?.['key']
  if (saved !== undefined) return saved
  const ref = { name: secretNames.encryptionKey, namespace: controlPlaneNamespace(tenant) }
  const secret = await kube.get(resourceTypes.secrets, ref, { signal })
  if (secret?.metadata.labels?.[controlPlaneLabel] !== tenant.uid) return undefined
  return Buffer.from((secret.data?.key as string | undefined) ?? '', 'base64').toString()
}

/**
 * What is to be made of the data of a snapshot that are loaded for a tenant; undefined: they are taken as they are. Throws SNAPSHOT_UNREADABLE when the key of the
 * one that was saved is not to be had.
 */
export const remapOf = async (
  { tenant, roots }: Pick<Round, 'tenant' | 'roots'>,
  { isClone }: Pick<RestoreRequest, 'isClone'>,
  header: SnapshotHeader,
  deps: Pick<Deps, 'kube' | 'signal'>,
): Promise<RemapOrder | undefined> => {
  const own = roots.encryptionKey
  if (!isClone) {
    // A tenant whose control-plane namespace was lost has another key since.
    const saved = header.roots?.[secretNames.encryptionKey]?.['key']
    return saved === undefined || saved === own ? undefined : { keys: { source: saved, own } }
  }
  const source = await sourceKeyOf(header, deps)
  if (source !== undefined)
    return { slices: { from: header.slices ?? [], to: [...slicesOf(tenant.status)] }, keys: { source, own } }
  const message = `tenant ${header.tenant.name} is gone, and the key that its Secrets are encrypted with was not saved with this snapshot: choose one that is encrypted with age, which has the key in it`
  throw new AppError('SNAPSHOT_UNREADABLE', message, {})
}

/** The claim of the first member, as its StatefulSet would make it: the data are there before any etcd is. */
export const claimOfFirst = (plane: Plane): KubeObject => {
  const workload = etcd.desired(plane).find(({ kind }) => kind === 'StatefulSet')
  const [template] = (workload?.spec?.volumeClaimTemplates ?? []) as readonly KubeObject[]
  if (!template) throw new AppError('SPEC_INVALID', 'etcd of the tenant has no volume', {})
  return {
    ...template,
    metadata: {
      name: `data-${etcdMember(0)}`,
      namespace: plane.namespace,
      labels: labelsOf(plane, componentNames.etcd),
      annotations: { [loadingAnnotation]: 'true' },
    },
  }
}
