import { z } from 'zod'
import type { Translation } from '../resource.ts'
import { unsafePath } from '../resources/ingresses.ts'

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)

/** A field that does not go down: an object that says something in it is refused, with the reason why. `harmless`: a value that says nothing. */
export const refused = (why: string, harmless?: string) =>
  z
    .unknown()
    .refine((value) => isNothing(value) || (harmless !== undefined && value === harmless), why)
    .optional()

export const name = z.string().min(1).max(253)
export const text = z
  .string()
  .max(4096)
  .regex(/^\P{Cc}*$/u, 'control characters are not allowed here')
export const optionalText = text.optional()
export const texts = z.array(text).optional()

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const hostLike = (pattern: string) =>
  z
    .string()
    .max(253)
    .regex(new RegExp(`^${pattern}$`), 'this is no host name in lower case')

/** A host by its name, without a wildcard. */
export const exactHost = hostLike(`${label}(\\.${label})*`)

/** A host, or `*.` before a domain for all below it. Exact in its letters: claims compare them as they are. */
export const host = hostLike(`(\\*\\.)?${label}(\\.${label})*`)

export const path = z
  .string()
  .max(1024)
  .refine((text) => !unsafePath.test(text), 'white space, quotes, braces, semicolons and backslashes are not allowed here')

/** A reference to a Service of the same namespace. Another namespace would have to allow it by a ReferenceGrant, and these do not go down. */
export const serviceRef = {
  group: z.literal('', 'only Services can be backends here').optional(),
  kind: z.literal('Service', 'only Services can be backends here').optional(),
  name,
  namespace: z.string().optional(),
  port: z.int().optional(),
}

/** The spec of an object of a kind whose definition may be the tenant's own: of any shape until it has been read. */
export const readSpec = <T>(
  schema: z.ZodType<T>,
  spec: unknown,
): { readonly kind: 'read'; readonly spec: T } | Extract<Translation, { kind: 'refused' }> => {
  const read = schema.safeParse(spec)
  if (read.success) return { kind: 'read', spec: read.data }
  const [issue] = read.error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const steps = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])]
  const where = steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  const why = unknown === undefined ? issue?.message : 'this field is not known here'
  return { kind: 'refused', reason: 'FieldNotSupported', message: `spec${where}: ${why}` }
}
