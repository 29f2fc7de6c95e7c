import { z } from 'zod'
import { problemSchema } from './schemas.ts'

const meanings: Readonly<Record<number, string>> = {
  400: 'Something in the request is wrong; `errors` names every wrong field',
  401: 'There is no API key, or none that is known and has not expired',
  403: 'The API key lacks the scope that is named',
  404: 'It is not there, or not for this API key to see',
  405: 'The path has other methods; they are in Allow',
  409: 'It does not go with how things are',
  412: 'It is no longer as If-Match says',
  413: 'The body is too large',
  415: 'The body is of another type than JSON',
  422: 'The rules of the object refuse it, or the Idempotency-Key was used for another request',
  429: 'Too many requests; Retry-After says when to go on',
  500: 'Something went wrong in Berth',
  503: 'The management cluster or the tenant does not answer; Retry-After says when to ask again',
  504: 'The management cluster or the tenant did not answer in time',
}

const problem = (status: number) => ({
  description: meanings[status] ?? 'Something went wrong',
  content: { 'application/problem+json': { schema: problemSchema } },
})

/** What every route of the API may answer beside its own. */
const everywhere = [400, 401, 403, 404, 429, 500, 503] as const

interface Answer {
  readonly description: string
  readonly content: Readonly<Record<string, { readonly schema: z.ZodType }>>
}

/** An answer with a JSON body. */
export const json = (description: string, schema: z.ZodType): Answer => ({
  description,
  content: { 'application/json': { schema } },
})

/** An answer without a body. */
export const nothing = (description: string): z.ZodType => z.null().describe(description)

/** The answers of a route: its own, those that every route has, and `more` problems. */
export const answers = <T extends object>(
  own: T,
  ...more: readonly number[]
): T & Record<number, ReturnType<typeof problem>> => ({
  ...own,
  ...Object.fromEntries([...everywhere, ...more].map((status) => [status, problem(status)])),
})

/** Problems of a write with a body. */
export const writing = [409, 412, 413, 415, 422] as const
