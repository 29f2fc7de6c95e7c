import type { KubeList, KubeObject } from '../apis/kube-object.ts'
import { AppError } from '../lib/errors.ts'
import type { Answer } from './exchange.ts'
import type { ScannedItem } from './json-scan.ts'

/** How a list is read. */
export interface ListReading {
  /** Parts that an item may have to be read. */
  readonly objectParts: number
  /** Reads so many bytes at once, on the account of the server. */
  readonly run: <T>(bytes: number, work: () => T) => T
  /** Lets others go on, and waits until more may be spent on the server. */
  readonly pause: () => Promise<void>
  /** Throws for what is no JSON. */
  readonly parse: <T>(json: string) => T
}

/** A few milliseconds of parsing at most, if no item is larger by itself. */
const slice = { bytes: 128 * 1024, parts: 10_000 }

const notAList = (what: string): AppError => new AppError('KUBE_SERVER_ERROR', `the list has ${what}`, {})

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** API servers write the name first. Whatever else stands there makes no name. */
const nameIn = (json: string): string => {
  const [, name, , namespace] = /"metadata":\{"name":"([\w.:-]{1,253})"(,"namespace":"([\w-]{1,63})")?/.exec(json) ?? []
  return name === undefined ? 'an object without a name' : namespace === undefined ? name : `${namespace}/${name}`
}

const isBlank = (body: Buffer, { from, to }: ScannedItem): boolean => {
  for (let at = from; at < to; at += 1) if ((body[at] ?? 0) > 0x20) return false
  return true
}

/** The items one after the other, with a pause now and then. */
const readItems = async (
  body: Buffer,
  scanned: readonly ScannedItem[],
  { objectParts, run, pause, parse }: ListReading,
): Promise<{ readonly items: unknown[]; readonly unread: string[] }> => {
  const items: unknown[] = []
  const unread: string[] = []
  const readOne = ({ from, to, parts }: ScannedItem) => {
    if (parts > objectParts) unread.push(nameIn(body.toString('utf8', from, Math.min(to, from + 1024))))
    else items.push(parse(body.toString('utf8', from, to)))
  }
  for (let next = 0; next < scanned.length; ) {
    if (next > 0) await pause()
    const from = next
    let [bytes, parts] = [0, 0]
    for (let item = scanned[next]; item && bytes < slice.bytes && parts < slice.parts; item = scanned[next]) {
      bytes += item.to - item.from
      parts += item.parts
      next += 1
    }
    run(bytes, () => scanned.slice(from, next).forEach(readOne))
  }
  return { items, unread }
}

/**
 * A list as the API server says it. One that was looked at is read item by item, and an item of more parts than an object may have is left out.
 * Throws KUBE_SERVER_ERROR for what no API server says.
 */
export const readList = async <T extends KubeObject>(answer: Answer, reading: ListReading): Promise<KubeList<T>> => {
  const { body, items: scanned } = answer
  const [first, last] = [scanned?.[0], scanned?.at(-1)]
  const isSplit =
    scanned !== undefined && first !== undefined && last !== undefined && !(scanned.length === 1 && isBlank(body, first))
  const rest = isSplit ? body.toString('utf8', 0, first.from) + body.toString('utf8', last.to) : body.toString('utf8')
  const list = reading.run(rest.length, () => reading.parse<unknown>(rest))
  if (!isRecord(list)) throw notAList('another shape')
  const { items, unread } = isSplit ? await readItems(body, scanned, reading) : { items: list['items'] ?? [], unread: [] }
  const metadata = list['metadata'] ?? {}
  if (!isRecord(metadata) || !Array.isArray(items)) throw notAList('another shape')
  for (const item of items) if (!isRecord(item) || !isRecord(item['metadata'])) throw notAList('an item without metadata')
  return { metadata, items: items as T[], bytes: body.length, ...(unread.length > 0 && { unread }) }
}
