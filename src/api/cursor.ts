import { AppError } from '../lib/errors.ts'

/** What a cursor is made of: the number of its kind, and a key. Another kind is refused, so that one from before an upgrade is not read as something else. */
export const cursorPattern = /^1[A-Za-z0-9_-]{0,511}$/

/** A place in a list, as text that says nothing to its reader. It holds no right: whoever makes one up only begins elsewhere in their own list. */
export const cursorOf = (after: string): string => `1${Buffer.from(after).toString('base64url')}`

/** The last key before the page. Throws REQUEST_INVALID for what no list gave out. */
export const readCursor = (cursor: string): string => {
  if (cursorPattern.test(cursor)) return Buffer.from(cursor.slice(1), 'base64url').toString('utf8')
  const errors = [{ pointer: '?cursor', detail: 'is not one that a list gave' }]
  throw new AppError('REQUEST_INVALID', 'the cursor is not one that a list gave: begin again without one', { errors })
}

/** One page of a list that `keyOf` puts in order, and the cursor of the next. A list may change between two pages: what was there all the time is told once. */
export const pageOf = <T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): { readonly items: readonly T[]; readonly nextCursor?: string } => {
  const after = cursor === undefined ? undefined : readCursor(cursor)
  const left = all
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || key > after)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const page = left.slice(0, limit)
  const last = page.at(-1)
  return { items: page.map(({ item }) => item), ...(last && left.length > limit && { nextCursor: cursorOf(last.key) }) }
}
