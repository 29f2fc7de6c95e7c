/** Server-sent events out of text that comes in pieces (HTML, 9.2.6). Pure, but for what it keeps of an unfinished event. */

export interface ServerSentEvent {
  /** The last id told, also by an event before. */
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** What a piece of text made known. */
export interface Heard {
  readonly events: readonly ServerSentEvent[]
  /** Milliseconds that the server asks to wait before coming back. */
  readonly retryMs: number | undefined
}

/** Longest event that is taken, in characters: what never ends must not fill the memory. */
const longestEvent = 4 * 1024 * 1024

const fieldOf = (line: string): readonly [name: string, value: string] => {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
}

/** A reader of one stream. It throws RangeError when an event is longer than 4 Mi characters. */
export const eventReader = (): ((piece: string) => Heard) => {
  let rest = ''
  let id: string | undefined

  const read = (block: string): { readonly event: ServerSentEvent | undefined; readonly retryMs: number | undefined } => {
    const fields = block
      .split(/\r\n|\n|\r/)
      .filter((line) => line !== '' && !line.startsWith(':'))
      .map(fieldOf)
    const last = (name: string) => fields.findLast(([each]) => each === name)?.[1]
    const retry = last('retry') ?? ''
    id = last('id') ?? id
    const data = fields.flatMap(([name, value]) => (name === 'data' ? [value] : []))
    return {
      event: data.length === 0 ? undefined : { id, event: last('event') ?? 'message', data: data.join('\n') },
      retryMs: /^\d{1,9}$/.test(retry) ? Number(retry) : undefined,
    }
  }

  return (piece) => {
    const blocks = (rest + piece).split(/\r\n\r\n|\n\n|\r\r/)
    rest = blocks.pop() ?? ''
    if (rest.length > longestEvent) throw new RangeError('an event of the stream is too long')
    const heard = blocks.map(read)
    return {
      events: heard.flatMap(({ event }) => event ?? []),
      retryMs: heard.findLast(({ retryMs }) => retryMs !== undefined)?.retryMs,
    }
  }
}
