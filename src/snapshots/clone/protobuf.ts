import { AppError } from '../../lib/errors.ts'

/** One field of a message as it stands on the wire (protobuf.dev/programming-guides/encoding). */
export interface Field {
  readonly number: number
  /** What is between the length and the end of a text, of bytes or of a message; empty for numbers. */
  readonly content: Buffer
  /** A number that is no float; 0 for all else. */
  readonly varint: number
  /** The field with its tag, to be written as it was. */
  readonly whole: Buffer
}

const wire = { varint: 0, fixed64: 1, lengthed: 2, fixed32: 5 } as const

const broken = (): AppError =>
  new AppError('SNAPSHOT_UNREADABLE', 'an object in the snapshot cannot be read: it is no protobuf', {})

/** A number and where it ends. What is beyond 53 bits is of no use here, and read all the same. */
const readVarint = (bytes: Buffer, from: number): { readonly value: number; readonly end: number } => {
  let value = 0
  for (let at = from; at < from + 10; at += 1) {
    const byte = bytes[at]
    if (byte === undefined) throw broken()
    value += (byte & 0x7f) * 2 ** (7 * (at - from))
    if (byte < 0x80) return { value, end: at + 1 }
  }
  throw broken()
}

const varintBytes = (value: number): Buffer => {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80)
  return Buffer.from([...bytes, left])
}

const contentAt = (bytes: Buffer, type: number, from: number): { start: number; end: number; varint: number } => {
  switch (type) {
    case wire.varint: {
      const { value, end } = readVarint(bytes, from)
      return { start: end, end, varint: value }
    }
    case wire.fixed64:
      return { start: from + 8, end: from + 8, varint: 0 }
    case wire.fixed32:
      return { start: from + 4, end: from + 4, varint: 0 }
    case wire.lengthed: {
      const { value, end } = readVarint(bytes, from)
      return { start: end, end: end + value, varint: 0 }
    }
    default:
      throw broken()
  }
}

/** The fields of a message, in order. Nothing is copied. Throws SNAPSHOT_UNREADABLE for what is no message. */
export const fieldsOf = (message: Buffer): Field[] => {
  const fields: Field[] = []
  for (let at = 0; at < message.length; ) {
    const tag = readVarint(message, at)
    const { start, end, varint } = contentAt(message, tag.value % 8, tag.end)
    if (end > message.length || tag.value < 8) throw broken()
    const content = message.subarray(start, end)
    fields.push({ number: Math.floor(tag.value / 8), content, varint, whole: message.subarray(at, end) })
    at = end
  }
  return fields
}

/** The content of the last field of a number, which is the one that counts; undefined when there is none. */
export const contentOf = (fields: readonly Field[], number: number): Buffer | undefined =>
  fields.findLast((field) => field.number === number)?.content

/** A field that holds a text, bytes or a message. */
export const fieldWith = (number: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([varintBytes(number * 8 + wire.lengthed), varintBytes(bytes.length), bytes])
}

/** The message with other fields of some numbers: what the function gives takes the place of each, `undefined` keeps it, and an empty list drops it. */
export const withFields = (message: Buffer, change: (field: Field) => readonly Buffer[] | undefined): Buffer =>
  Buffer.concat(fieldsOf(message).flatMap((field) => change(field) ?? [field.whole]))
