import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { AppError, explainError, hasCode } from '../lib/errors.ts'
import { shortHash, systemNamespace } from '../tenancy/names.ts'
import type { ApiDeps } from './deps.ts'
import { requestFingerprint } from './fingerprint.ts'
import { isName } from './names.ts'
import {
  idOfKey,
  type OperationKind,
  type OperationRecord,
  type OperationTarget,
  type RecordedAnswer,
  recordName,
  recordObject,
  recordOf,
} from './operation-record.ts'
import { operationOf } from './operation-view.ts'
import { operationPath, showOperation } from './operations.ts'
import { isFinal, problemOf } from './problem.ts'
import { noTenant } from './tenant-writes.ts'

const { configMaps } = resourceTypes

/** What one write does. */
export interface Write {
  readonly kind: OperationKind
  /** Name of the organisation; undefined: of a write above them, whose record stands in Berth's own namespace. */
  readonly organization?: string
  readonly tenant?: string
  /** Kept in the record; see `OperationRecord`. */
  readonly wanted?: Readonly<Record<string, unknown>>
  /** What it answers is told once and never noted: asked again, it is done again, and `run` sees the answer in the record. */
  readonly isSecret?: true
  /** It takes time: the answer is 202 with the operation. Else what `run` answers. */
  readonly takesTime: boolean
  /**
   * Does it. `tenant`: as the write left it, so that it need not be read again for the answer. It may be called again with the same record after its process was killed anywhere on the way, or at the same time by another one, and must come
   * to the same then.
   */
  readonly run: (record: OperationRecord) => Promise<{
    readonly target?: OperationTarget
    readonly tenant?: TenantControlPlane
    readonly answer?: RecordedAnswer
  }>
}

const namespaceOf = ({ organization }: Write): string => organization ?? systemNamespace

/** What an Idempotency-Key is made of. */
export const idempotencyKeyPattern = /^[\x21-\x7e]{1,255}$/

const idempotencyKeyOf = ({ headers }: FastifyRequest): string | undefined => {
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && idempotencyKeyPattern.test(key)) return key
  const errors = [{ pointer: '{Idempotency-Key}', detail: 'is to be 1 to 255 visible ASCII characters' }]
  throw new AppError('REQUEST_INVALID', 'the Idempotency-Key is not one', { errors })
}

/** Writes the record first, or finds that of the same Idempotency-Key. */
const begin = async (write: Write, request: FastifyRequest, deps: ApiDeps): Promise<OperationRecord> => {
  const { kube, now } = deps
  const idempotencyKey = idempotencyKeyOf(request)
  const { principal } = request
  const namespace = namespaceOf(write)
  const fingerprint = requestFingerprint({
    method: request.method,
    path: request.url.split('?', 1)[0] ?? '',
    ifMatch: request.headers['if-match'],
    body: request.body ?? undefined,
  })
  const record: OperationRecord = {
    id:
      idempotencyKey === undefined
        ? shortHash([randomBytes(32).toString('hex')], 26)
        : idOfKey(principal?.organization, namespace, idempotencyKey),
    kind: write.kind,
    ...(write.tenant !== undefined && { tenant: write.tenant }),
    fingerprint,
    wanted: { ...write.wanted },
    createdAt: new Date(now()).toISOString(),
    requestId: request.id,
    by: principal?.keyId ?? '',
  }
  try {
    await kube.create(configMaps, recordObject(namespace, record))
    return record
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  }
  const before = await kube.get<KubeObject>(configMaps, { name: recordName(record.id), namespace })
  const found = before && recordOf(before)
  if (!found) throw new AppError('STATE_CONFLICT', 'the operation of this Idempotency-Key has just been removed: ask again', {})
  if (found.fingerprint !== fingerprint)
    throw new AppError('IDEMPOTENCY_MISMATCH', 'this Idempotency-Key was used for another request: take another one', {})
  return found
}

/** Notes what came of it. */
const note = async (write: Write, record: OperationRecord, { kube }: ApiDeps): Promise<void> => {
  const ref = { name: recordName(record.id), namespace: namespaceOf(write) }
  await kube.patch(configMaps, ref, { data: { record: JSON.stringify(record) } }, { type: 'merge' })
}

/** What is told of a write that was refused for good: the same again for the same key. */
const noteRefusal = async (write: Write, record: OperationRecord, error: unknown, request: FastifyRequest, deps: ApiDeps) => {
  const ref = { name: recordName(record.id), namespace: namespaceOf(write) }
  try {
    if (request.headers['idempotency-key'] === undefined) await deps.kube.delete(configMaps, ref)
    else if (isFinal(error)) {
      const body = problemOf(error, request.id)
      const headers = { 'content-type': 'application/problem+json' }
      await note(write, { ...record, answer: { status: body.status, headers, body } }, deps)
    }
  } catch (cause) {
    // The answer is the error itself; a record without an answer is done again, or removed after a week.
    request.log.warn({ reason: explainError(cause), operation: record.id }, 'refusal not noted')
  }
}

const send = (reply: FastifyReply, { status, headers, body }: RecordedAnswer): FastifyReply =>
  body === undefined ? reply.code(status).headers(headers).send() : reply.code(status).headers(headers).send(body)

/**
 * Carries out a write so that it can be asked for again: its record first, then what it does, then its answer. The same Idempotency-Key again gives the
 * same answer; one whose process was killed in between is done again.
 */
export const perform = async (
  write: Write,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  deps: ApiDeps,
): Promise<FastifyReply> => {
  // Its record carries the name as a label, which what is no name cannot be.
  const { tenant } = write
  if (tenant !== undefined && !isName(tenant)) throw noTenant({ name: tenant, organization: namespaceOf(write) })
  if (!write.takesTime && request.headers['idempotency-key'] === undefined) {
    const { answer } = await write.run(unrecorded(write, request, deps))
    return send(reply, answer ?? { status: 204, headers: {} })
  }
  const record = await begin(write, request, deps)
  const { answer: before } = record
  if (before) void reply.header('Idempotent-Replayed', 'true')
  if (before && (!write.isSecret || before.status >= 400)) return send(reply, before)
  let done: Awaited<ReturnType<Write['run']>>
  try {
    done = await write.run(record)
  } catch (error) {
    if (!before) await noteRefusal(write, record, error, request, deps)
    throw error
  }
  const { organization } = write
  const noted = { ...record, ...(done.target && { target: done.target }) }
  const answer =
    write.takesTime && organization !== undefined
      ? {
          status: 202,
          headers: { location: operationPath(organization, record.id) },
          body: done.tenant
            ? operationOf(noted, organization, { tenant: done.tenant, snapshot: undefined, now: deps.now() })
            : await showOperation(noted, organization, deps),
        }
      : (done.answer ?? { status: 204, headers: {} })
  const { body: _, ...withoutBody } = answer
  if (!before) await note(write, { ...noted, answer: write.isSecret ? withoutBody : answer }, deps)
  return send(reply, answer)
}

/** Of a write that leaves no record. */
const unrecorded = (write: Write, request: FastifyRequest, { now }: ApiDeps): OperationRecord => ({
  id: shortHash([randomBytes(32).toString('hex')], 26),
  kind: write.kind,
  fingerprint: '',
  wanted: { ...write.wanted },
  createdAt: new Date(now()).toISOString(),
  requestId: request.id,
  by: request.principal?.keyId ?? '',
})
