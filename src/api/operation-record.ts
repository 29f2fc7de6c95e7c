import { z } from 'zod'
import type { KubeObject } from '../apis/kube-object.ts'
import { managedByBerth, managedByLabel, operationLabel, operationTenantLabel } from '../tenancy/marks.ts'
import { shortHash } from '../tenancy/names.ts'

/** What operations do. `write`: one that takes no time, and has a record because of its Idempotency-Key only. */
export const operationKinds = [
  'create',
  'update',
  'delete',
  'pause',
  'resume',
  'upgrade',
  'snapshot',
  'delete-snapshot',
  'restore',
  'write',
] as const
export type OperationKind = (typeof operationKinds)[number]

/** Records are kept for so long after they were made. */
export const recordLifeMs = 7 * 24 * 3_600_000

/** What was answered: the same again for the same Idempotency-Key. */
const answer = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown().optional(),
})
export type RecordedAnswer = z.output<typeof answer>

/** The object that a write was about, as it was right after. */
const target = z.object({ name: z.string(), uid: z.string(), generation: z.number() })
export type OperationTarget = z.output<typeof target>

const record = z.object({
  id: z.string().regex(/^[a-z2-7]{26}$/),
  kind: z.enum(operationKinds),
  tenant: z.string().optional(),
  /** Stands for the request. */
  fingerprint: z.string(),
  /** What is to be done, as far as the objects themselves do not say it later. */
  wanted: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
  requestId: z.string(),
  /** Id of the API key. */
  by: z.string(),
  target: target.optional(),
  answer: answer.optional(),
  cancelledAt: z.string().optional(),
})

/** What is stored of an operation. How far it is, is never stored: the objects say it. */
export type OperationRecord = z.output<typeof record>

/** Id of the operation of an Idempotency-Key: the same key of another organisation's holder is another. */
export const idOfKey = (holder: string | undefined, organization: string, idempotencyKey: string): string =>
  shortHash(['operation', holder ?? '', organization, idempotencyKey], 26)

export const recordName = (id: string): string => `operation-${id}`

/** The ConfigMap of a record, in the namespace of its organisation. */
export const recordObject = (namespace: string, operation: OperationRecord): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: recordName(operation.id),
    namespace,
    labels: {
      [managedByLabel]: managedByBerth,
      [operationLabel]: operation.kind,
      ...(operation.tenant !== undefined && { [operationTenantLabel]: operation.tenant }),
    },
  },
  data: { record: JSON.stringify(operation) },
})

/** The record of a ConfigMap; undefined for what is none, or is not under its own name. */
export const recordOf = ({ metadata, data }: KubeObject): OperationRecord | undefined => {
  const text: unknown = data?.record
  if (typeof text !== 'string' || metadata.labels?.[operationLabel] === undefined) return undefined
  try {
    const parsed = record.safeParse(JSON.parse(text))
    return parsed.success && recordName(parsed.data.id) === metadata.name ? parsed.data : undefined
  } catch {
    return undefined
  }
}
