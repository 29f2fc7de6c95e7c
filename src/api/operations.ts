import type { ControlPlaneSnapshot } from '../apis/control-plane-snapshot.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import { operationLabel, operationTenantLabel } from '../tenancy/marks.ts'
import type { ApiDeps } from './deps.ts'
import { type OperationRecord, recordName, recordOf } from './operation-record.ts'
import { operationOf, type Seen } from './operation-view.ts'

const { configMaps, controlPlaneSnapshots, tenantControlPlanes } = resourceTypes

/** The record of an operation. Throws OPERATION_NOT_FOUND. */
export const readRecord = async (kube: KubeClient, organization: string, id: string): Promise<OperationRecord> => {
  const isId = /^[a-z2-7]{26}$/.test(id)
  const object = isId ? await kube.get<KubeObject>(configMaps, { name: recordName(id), namespace: organization }) : undefined
  const record = object && recordOf(object)
  if (record) return record
  throw new AppError('OPERATION_NOT_FOUND', 'there is no such operation; they are kept for 7 days', {})
}

/** All records of an organisation, or of one of its tenants; newest first. */
export const listRecords = async (
  kube: KubeClient,
  organization: string,
  tenant?: string,
): Promise<readonly OperationRecord[]> => {
  const labelSelector = tenant === undefined ? operationLabel : `${operationLabel},${operationTenantLabel}=${tenant}`
  const { items } = await kube.list<KubeObject>(configMaps, { namespace: organization, labelSelector })
  return items
    .flatMap((object) => recordOf(object) ?? [])
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || a.id.localeCompare(b.id))
}

/** What an operation is seen by. Not from the cache: who has just written asks how it stands. */
export const seenOf = async (record: OperationRecord, organization: string, { kube, now }: ApiDeps): Promise<Seen> => {
  const namespace = organization
  const snapshot = record.wanted['snapshot'] ?? record.target?.name
  const isOfSnapshot = record.kind === 'snapshot' || record.kind === 'delete-snapshot'
  const [tenant, taken] = await Promise.all([
    record.tenant === undefined
      ? undefined
      : kube.get<TenantControlPlane>(tenantControlPlanes, { name: record.tenant, namespace }),
    isOfSnapshot && typeof snapshot === 'string'
      ? kube.get<ControlPlaneSnapshot>(controlPlaneSnapshots, { name: snapshot, namespace })
      : undefined,
  ])
  return { tenant, snapshot: taken, now: now() }
}

/** An operation as it stands. */
export const showOperation = async (record: OperationRecord, organization: string, deps: ApiDeps) =>
  operationOf(record, organization, await seenOf(record, organization, deps))

export const operationPath = (organization: string, id: string): string => `/v1/organizations/${organization}/operations/${id}`
