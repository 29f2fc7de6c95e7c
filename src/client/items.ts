import type { Answer, CallOptions } from './call.ts'

interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor?: string | undefined
}

/** Every item of a list, page by page: `for await (const tenant of eachItem(berth.listTenants, { org }))`. Throws ApiError. */
export async function* eachItem<T, I extends { readonly cursor?: string | undefined } | undefined>(
  list: (input: I, options?: CallOptions) => Promise<Answer<Page<T>>>,
  input: NoInfer<I>,
  options?: CallOptions,
): AsyncGenerator<T, void> {
  for (let cursor: string | undefined; ; ) {
    const { body } = await list({ ...input, ...(cursor !== undefined && { cursor }) }, options)
    yield* body.items
    if (body.nextCursor === undefined) return
    cursor = body.nextCursor
  }
}
