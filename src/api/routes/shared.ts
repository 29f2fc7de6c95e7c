import { z } from 'zod'
import { operationSchema } from '../schemas.ts'
import { idempotencyKeyPattern } from '../write.ts'

/** What paths are made of. Names are not checked here: one that cannot be is not there, as any other that is not. */
export const orgParams = z.object({ org: z.string().describe('Name of the organisation') })
export const tenantParams = orgParams.extend({ tenant: z.string().describe('Name of the tenant') })

/** Headers of a write that is about nothing that was there before. */
export const headersOfKeyed = z.object({
  'idempotency-key': z
    .string()
    .regex(idempotencyKeyPattern, 'is to be 1 to 255 visible ASCII characters')
    .optional()
    .describe('1 to 255 visible ASCII characters. The same again within 7 days does nothing new and gets the same answer'),
})

/** Headers of a write. */
export const headersOfWrite = headersOfKeyed.extend({
  'if-match': z.string().optional().describe('ETag of the state that is to be changed; another state is 412'),
})

/** Both names of a patch's body. */
export const anyBody = ['application/merge-patch+json', 'application/json']

/** The answer of a write that takes time. */
export const accepted = {
  202: {
    description: 'It has begun; the operation, which Location names, says how far it is',
    headers: {
      Location: { type: 'string', description: 'Path of the operation' },
      'Idempotent-Replayed': { type: 'string', description: '`true`: the answer of an earlier request of the same key' },
    },
    content: { 'application/json': { schema: operationSchema } },
  },
} as const
