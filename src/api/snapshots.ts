import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { specInForce } from '../apis/spec-in-force.ts'
import { AppError, hasCode } from '../lib/errors.ts'
import { madeByOperationAnnotation } from '../tenancy/marks.ts'
import type { ApiDeps } from './deps.ts'
import { isObjectName } from './names.ts'
import type { OperationRecord, OperationTarget } from './operation-record.ts'
import { readTenant } from './tenant-writes.ts'

const type = resourceTypes.controlPlaneSnapshots

/** A snapshot as the HTTP API shows it. Where it lies is told, what it is opened with is not. */
export const snapshotOf = ({ metadata, spec, status }: ControlPlaneSnapshot) => ({
  name: metadata.name ?? '',
  organization: metadata.namespace ?? '',
  tenant: spec.tenantName,
  uid: metadata.uid ?? '',
  createdAt: metadata.creationTimestamp ?? '',
  deleting: metadata.deletionTimestamp !== undefined,
  phase: status?.phase ?? 'Pending',
  ...(status?.location !== undefined && { location: status.location }),
  ...(status?.sizeBytes !== undefined && { sizeBytes: status.sizeBytes }),
  ...(status?.sha256 !== undefined && { sha256: status.sha256 }),
  ...(status?.encrypted !== undefined && { encrypted: status.encrypted }),
  ...(status?.version !== undefined && { version: status.version }),
  ...(status?.completedAt !== undefined && { completedAt: status.completedAt }),
  conditions: status?.conditions ?? [],
})

/** Throws SNAPSHOT_NOT_FOUND. */
export const readSnapshot = async (name: string, organization: string, { kube }: ApiDeps): Promise<ControlPlaneSnapshot> => {
  const there = isObjectName(name) ? await kube.get<ControlPlaneSnapshot>(type, { name, namespace: organization }) : undefined
  if (there) return there
  throw new AppError(
    'SNAPSHOT_NOT_FOUND',
    `organisation ${organization} has no snapshot ${JSON.stringify(name.slice(0, 100))}`,
    {},
  )
}

const targetOf = ({ metadata: { name = '', uid = '', generation = 0 } }: ControlPlaneSnapshot): OperationTarget => ({
  name,
  uid,
  generation,
})

/** Name of a snapshot nobody named: of its tenant and its operation, so that the same operation makes the same. */
export const snapshotName = ({ tenant, wanted, id }: OperationRecord): string =>
  typeof wanted['snapshot'] === 'string' ? wanted['snapshot'] : `${tenant}-${id.slice(0, 8)}`

/** Begins a snapshot to where the spec of its tenant says. One of the same operation that is there already is the one that was to be made. */
export const takeSnapshot = async (organization: string, record: OperationRecord, deps: ApiDeps): Promise<OperationTarget> => {
  const { kube } = deps
  const name = snapshotName(record)
  const plane = await readTenant({ name: record.tenant ?? '', organization }, deps)
  const { storage, recipients } = specInForce(plane).backup
  if (!storage)
    throw new AppError(
      'STATE_CONFLICT',
      `tenant ${plane.metadata.name} has no spec.backup.storage, which says where snapshots lie`,
      {},
    )
  try {
    const made = await kube.create<ControlPlaneSnapshot>(type, {
      apiVersion: `${type.group}/${type.version}`,
      kind: type.kind,
      metadata: { name, namespace: organization, annotations: { [madeByOperationAnnotation]: record.id } },
      spec: { tenantName: plane.metadata.name ?? '', storage, recipients, deletionPolicy: 'Delete' },
    })
    return targetOf(made)
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  }
  const there = await readSnapshot(name, organization, deps)
  if (there.metadata.annotations?.[madeByOperationAnnotation] === record.id) return targetOf(there)
  throw new AppError('ALREADY_EXISTS', `organisation ${organization} has a snapshot ${name}: take another name`, {})
}

/** What the record of a deletion keeps, so that whoever asks again knows which snapshot was meant. */
export const snapshotDeletionOf = async (name: string, organization: string, deps: ApiDeps): Promise<Record<string, unknown>> => {
  try {
    return { snapshot: name, target: targetOf(await readSnapshot(name, organization, deps)) }
  } catch (error) {
    if (hasCode(error, 'SNAPSHOT_NOT_FOUND')) return {}
    throw error
  }
}

/** Tells the snapshot of the record to go, with what it stored as its deletionPolicy says. */
export const deleteSnapshot = async (
  name: string,
  organization: string,
  record: OperationRecord,
  deps: ApiDeps,
): Promise<OperationTarget> => {
  const target = record.wanted['target'] as OperationTarget | undefined
  if (!target) return targetOf(await readSnapshot(name, organization, deps))
  await deps.kube.delete(type, { name, namespace: organization }, { uid: target.uid }).catch((error: unknown) => {
    // Another one of this name by now: the one that was meant is gone.
    if (!hasCode(error, 'KUBE_CONFLICT')) throw error
  })
  return target
}
