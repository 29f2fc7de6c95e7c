import { AppError } from '../lib/errors.ts'
import type { JsonLimits } from './json-limits.ts'

/** A look at a JSON text before it is parsed, while its bytes come in. */
export interface JsonScan {
  /** Takes the next bytes. Throws KUBE_TOO_LARGE when they hold more than they may. */
  push(bytes: Uint8Array): void
  /** The items of a list. Undefined: the text is no object with a list of that name. Throws KUBE_SERVER_ERROR when it ends within them. */
  items(): readonly ScannedItem[] | undefined
}

/** Where an item of a list lies in the text, first byte and the one after the last, and how many parts it has. */
export interface ScannedItem {
  readonly from: number
  readonly to: number
  readonly parts: number
}

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openList = 0x5b
const backslash = 0x5c
const closeList = 0x5d
const openObject = 0x7b
const closeObject = 0x7d
const wanted = Buffer.from('items')

const isOpening = (byte: number): boolean => byte === openObject || byte === openList
const isClosing = (byte: number): boolean => byte === closeObject || byte === closeList

/** The index of the quote that ends the text that `from` lies in. The length: it goes on; one more: with an escaped byte. */
const endOfText = (bytes: Uint8Array, from: number): number => {
  const { length } = bytes
  let at = from
  while (at < length) {
    const byte = bytes[at]
    if (byte === quote) return at
    at += byte === backslash ? 2 : 1
  }
  return at
}

/** Follows names at the first level of a text: says which of its lists is called `items`. */
const createNameWatch = () => {
  /** Letters that the present text has in common with the name; -1: it is another. */
  let matched = -1
  let isNamed = false
  return {
    begins: () => {
      matched = 0
    },
    reads: (bytes: Uint8Array, from: number, to: number) => {
      for (let at = from; at < to && matched >= 0; at += 1) matched = bytes[at] === wanted[matched] ? matched + 1 : -1
    },
    ends: () => {
      isNamed = matched === wanted.length
    },
    isNamed: () => isNamed,
  }
}

const tooManyParts = (limit: number): string =>
  `has more than ${limit} parts (names, entries, objects and lists): make it smaller`

/**
 * Counts levels and parts in one pass, and notes where the items of a list lie. Whether the text is JSON is for the parser to say: what is no JSON has some
 * count or other. `what` the text is, for messages. In a `list` the limit of an object holds for all but the items.
 */
export const createJsonScan = (limits: JsonLimits, what: string, kind: 'list' | 'object'): JsonScan => {
  const { depth, objectParts, listParts, items } = limits
  const names = createNameWatch()
  let position = 0
  let level = 0
  let inText = false
  let isEscaped = false
  let isKey = false
  let outside = 0
  let inside = 0
  let first = -1
  let partsBefore = 0
  let lists = 0
  let isInItems = false
  const found: ScannedItem[] = []

  const refuse = (excess: string): never => {
    throw new AppError('KUBE_TOO_LARGE', `${what} is not read: it ${excess}`, {})
  }
  const count = (parts: number) => {
    if (isInItems) inside += parts
    else outside += parts
    if (inside > listParts) refuse(tooManyParts(listParts))
    if (outside > objectParts) refuse(tooManyParts(objectParts))
  }
  const endItem = (to: number) => {
    if (found.length >= items) refuse(`has more than ${items} items`)
    found.push({ from: first, to, parts: inside - partsBefore })
    first = to + 1
    partsBefore = inside
  }
  /** Structure at the first two levels, where lists begin and end. `level` is the one within. */
  const onOutline = (byte: number, at: number) => {
    if (isClosing(byte)) {
      if (level === 1 && isInItems) {
        endItem(at)
        isInItems = false
      }
      return
    }
    if (level === 2 && byte === openList && isKey && kind === 'list') {
      lists += 1
      if (lists > 1) refuse('has two lists of items')
      isInItems = true
      first = at + 1
    }
    if (level === 1) isKey = byte === colon && names.isNamed()
    count(1)
    if (level === 2 && byte === comma && isInItems) endItem(at)
  }
  /** Goes on within a text, to behind its closing quote or the end of the bytes. */
  const throughText = (bytes: Uint8Array, from: number): number => {
    const { length } = bytes
    const end = endOfText(bytes, from)
    if (level === 1) names.reads(bytes, from, Math.min(end, length))
    inText = end >= length
    isEscaped = end > length
    if (!inText && level === 1) names.ends()
    return end + 1
  }

  return {
    push: (bytes) => {
      const { length } = bytes
      let at = inText ? throughText(bytes, isEscaped ? 1 : 0) : 0
      let parts = 0
      while (at < length) {
        const byte = bytes[at] as number
        if (byte === quote) {
          if (level === 1) names.begins()
          at = throughText(bytes, at + 1)
          continue
        }
        if (isOpening(byte)) {
          level += 1
          if (level > depth) refuse(`nests deeper than ${depth} levels`)
          if (level > 2) parts += 1
        } else if (isClosing(byte)) level -= 1
        else if (byte === comma || byte === colon) {
          if (level > 2) parts += 1
        } else {
          at += 1
          continue
        }
        if (level <= 2) {
          count(parts)
          parts = 0
          onOutline(byte, position + at)
        }
        at += 1
      }
      count(parts)
      position += length
    },
    items: () => {
      if (isInItems) throw new AppError('KUBE_SERVER_ERROR', `${what} ends within its items`, {})
      return kind === 'list' && lists === 1 ? found : undefined
    },
  }
}
