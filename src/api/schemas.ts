import { z } from 'zod'
import { scopes } from '../access/scopes.ts'
import { conditionSchema } from '../apis/condition-schema.ts'
import { upgradeStatus } from '../apis/upgrade.ts'
import { type ErrorCode, errorCodes } from '../lib/errors.ts'
import { cursorPattern } from './cursor.ts'
import { operationKinds } from './operation-record.ts'
import { operationStates } from './operation-view.ts'
import { quotaSchema } from './organization.ts'
import { tenantPhases } from './tenant-view.ts'

/** What the answers of the HTTP API are made of. Nothing is checked against them when it is sent; the tests do. */

const text = z.string()
const time = z.string().meta({ format: 'date-time' })
const open = z.looseObject({})

export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: text,
    status: z.int(),
    detail: text.describe('What happened, and what to do'),
    code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]).describe('For programs: it never changes'),
    requestId: text.describe("Also in the header X-Request-Id and in Berth's log"),
    errors: z
      .array(z.object({ pointer: text.describe('JSON pointer into the body; ?name: of the query'), detail: text }))
      .optional()
      .describe('Every wrong field'),
  })
  .meta({ id: 'Problem' })

export const organizationSchema = z
  .object({
    name: text,
    displayName: text.optional(),
    quota: quotaSchema,
    createdAt: time,
    deleting: z.boolean(),
    tenants: z.int().describe('Tenants that it has'),
  })
  .meta({ id: 'Organization' })

export const tenantSchema = z
  .object({
    name: text,
    organization: text,
    uid: text.describe('Never used again, also not by a tenant of the same name'),
    labels: z.record(text, text),
    createdAt: time,
    deletingSince: time.optional(),
    generation: z.int(),
    phase: z.enum(tenantPhases),
    ready: z.boolean().describe('A real request through the published endpoint was answered, and DNS and the syncer serve it'),
    state: z.enum(['Running', 'Paused', 'Hibernated']).describe('What is asked for'),
    version: text.describe('Kubernetes version that runs, or that is to'),
    spec: open.describe('What its user wrote; its fields are those of spec of TenantControlPlane'),
    status: z.object({
      observedGeneration: z.int().optional(),
      version: text.optional(),
      endpoint: text.optional(),
      upgrade: upgradeStatus.optional(),
      restore: open.optional(),
      timings: z.record(text, z.number()).describe('Seconds from creation until each condition was first true'),
      conditions: z.array(conditionSchema),
    }),
  })
  .meta({ id: 'Tenant' })

export const operationSchema = z
  .object({
    id: text,
    kind: z.enum(operationKinds),
    organization: text,
    tenant: text.optional(),
    snapshot: text.optional(),
    createdAt: time,
    requestId: text,
    cancelledAt: time.optional(),
    state: z
      .enum(operationStates)
      .describe('Superseded: another write has taken its place. It is worked out from the objects each time, and never stored'),
    message: text,
    steps: z.array(
      z.object({
        name: text,
        state: z.enum(['Waiting', 'Running', 'Done', 'Failed']),
        message: text.optional(),
        seconds: z.number().optional(),
      }),
    ),
  })
  .meta({ id: 'Operation' })

export const apiKeySchema = z
  .object({
    id: text,
    name: text,
    organization: text.optional().describe('The one organisation that it sees; none: all'),
    scopes: z.array(z.enum(scopes)),
    createdAt: time,
    expiresAt: time.optional(),
    lastUsedAt: time.optional().describe('At most a minute old'),
  })
  .meta({ id: 'ApiKey' })

export const newApiKeySchema = apiKeySchema
  .extend({ key: text.describe('The key itself. It is told this once and stored nowhere') })
  .meta({ id: 'IssuedApiKey' })

/** One page of a list. */
export const page = <S extends z.ZodType>(item: S) =>
  z.object({ items: z.array(item), nextCursor: text.optional().describe('For the next page; none: this is the last') })

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Items of one page'),
  cursor: z.string().regex(cursorPattern, 'is not one that a list gave').optional().describe('`nextCursor` of the page before'),
})
