import { AppError } from '../lib/errors.ts'

/** Longest cursor that is looked at, in characters. */
const maxCursorLength = 512

/** A place in a list, as text that says nothing to its reader. It holds no right: whoever makes one up only begins elsewhere in their own list. */
export const cursorOf = (after: string): string => Buffer.from(JSON.stringify([1, after])).toString('base64url')

/** The last key before the page. Throws REQUEST_INVALID for what no list gave out. */
export const readCursor = (cursor: string): string => {
  if (cursor.length <= maxCursorLength && /^[A-Za-z0-9_-]+$/.test(cursor)) {
    try {
      const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
      if (Array.isArray(read) && read.length === 2 && read[0] === 1 && typeof read[1] === 'string') return read[1]
    } catch {
      // As any other that is none.
    }
  }
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
