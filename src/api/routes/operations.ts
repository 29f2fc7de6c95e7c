import { z } from 'zod'
import { resourceTypes } from '../../apis/resource-types.ts'
import { AppError } from '../../lib/errors.ts'
import { answers, json } from '../answers.ts'
import { pageOf } from '../cursor.ts'
import type { ApiDeps } from '../deps.ts'
import { isName } from '../names.ts'
import { type OperationRecord, recordName } from '../operation-record.ts'
import { cancellationOf, operationOf } from '../operation-view.ts'
import { listRecords, readRecord, seenOf, showOperation } from '../operations.ts'
import { operationSchema, page, pageQuery } from '../schemas.ts'
import type { ApiServer } from '../server.ts'
import { orgParams } from './shared.ts'

const { configMaps, tenantControlPlanes } = resourceTypes
const operationParams = orgParams.extend({ operation: z.string().describe('Id of the operation') })
const listQuery = pageQuery.extend({ tenant: z.string().max(63).optional().describe('Only those of this tenant') })

/** Newest first, in an order that text has: times count down. */
const orderOf = ({ createdAt, id }: OperationRecord): string => `${String(9e15 - Date.parse(createdAt)).padStart(16, '0')} ${id}`

const tooLate = (record: OperationRecord) =>
  new AppError(
    'OPERATION_NOT_CANCELLABLE',
    `operation ${record.id} (${record.kind}) cannot be cancelled: only a creation that is not done, and an upgrade before its version is rolled out`,
    {},
  )

/** Undoes what an operation has begun. The record says so first: whoever is killed in between is asked once more. */
const cancel = async (record: OperationRecord, organization: string, deps: ApiDeps): Promise<OperationRecord> => {
  const { kube, now } = deps
  const seen = await seenOf(record, organization, deps)
  const undo = cancellationOf(record, seen)
  if (record.cancelledAt === undefined && !undo) throw tooLate(record)
  const cancelled = { ...record, cancelledAt: record.cancelledAt ?? new Date(now()).toISOString() }
  const ref = { name: recordName(record.id), namespace: organization }
  if (record.cancelledAt === undefined)
    await kube.patch(configMaps, ref, { data: { record: JSON.stringify(cancelled) } }, { type: 'merge' })
  const tenant = { name: record.tenant ?? '', namespace: organization }
  switch (undo?.kind) {
    case 'delete':
      await kube.delete(tenantControlPlanes, tenant, { uid: undo.uid })
      break
    case 'version': {
      const { uid, resourceVersion } = seen.tenant?.metadata ?? {}
      const body = { metadata: { uid, resourceVersion }, spec: { version: undo.version } }
      await kube.patch(tenantControlPlanes, tenant, body, { type: 'merge' })
      break
    }
    case undefined:
      break
  }
  return cancelled
}

export const operationRoutes = (app: ApiServer, deps: ApiDeps): void => {
  const { kube, caches, now } = deps
  const tags = ['Operations']

  app.get(
    '/v1/organizations/:org/operations',
    {
      config: { needs: { scope: 'tenants:read' } },
      schema: {
        tags,
        operationId: 'listOperations',
        summary: 'List operations of the last 7 days',
        params: orgParams,
        querystring: listQuery,
        response: answers({ 200: json('Newest first', page(operationSchema)) }),
      },
    },
    async ({ params, query }) => {
      const { tenant, ...place } = query
      const records = tenant !== undefined && !isName(tenant) ? [] : await listRecords(kube, params.org, tenant)
      const { items, nextCursor } = pageOf(records, orderOf, place)
      const planes = new Map(caches.tenants(params.org).map((plane) => [plane.metadata.name, plane]))
      const shown = await Promise.all(
        items.map(async (record) => {
          // Snapshots are few, and not in a cache.
          const isOfSnapshot = record.kind === 'snapshot' || record.kind === 'delete-snapshot'
          if (isOfSnapshot) return showOperation(record, params.org, deps)
          return operationOf(record, params.org, { tenant: planes.get(record.tenant), snapshot: undefined, now: now() })
        }),
      )
      return { items: shown, ...(nextCursor !== undefined && { nextCursor }) }
    },
  )

  app.get(
    '/v1/organizations/:org/operations/:operation',
    {
      config: { needs: { scope: 'tenants:read' } },
      schema: {
        tags,
        operationId: 'getOperation',
        summary: 'Show how far an operation is',
        params: operationParams,
        response: answers({ 200: json('The operation', operationSchema) }),
      },
    },
    async ({ params }) => showOperation(await readRecord(kube, params.org, params.operation), params.org, deps),
  )

  app.post(
    '/v1/organizations/:org/operations/:operation/cancel',
    {
      config: { needs: { scope: 'tenants:write' } },
      schema: {
        tags,
        operationId: 'cancelOperation',
        summary: 'Cancel an operation: a creation deletes its tenant, an upgrade goes back as long as nothing is rolled out',
        params: operationParams,
        response: answers({ 200: json('The operation', operationSchema) }, 409),
      },
    },
    async ({ params }) => {
      const record = await readRecord(kube, params.org, params.operation)
      return showOperation(await cancel(record, params.org, deps), params.org, deps)
    },
  )
}
