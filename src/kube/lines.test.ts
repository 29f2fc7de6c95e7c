import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createJsonScan } from './json-scan.ts'
import { createLineSplitter } from './lines.ts'

test('gives the same lines wherever the bytes are cut, and splits at newlines only', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc
          .string({ unit: fc.constantFrom('a', '\u2028', '\u0085', 'ü', '😀', '\r', '\0', '{'), minLength: 1 })
          .map((line) => line.replaceAll('\n', '\u2028')),
      ),
      fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const { push } = createLineSplitter(1000)
        const got: string[] = []
        for (let from = 0; from < bytes.length; ) {
          const to = from + (cuts.next().value ?? 1)
          got.push(...push(bytes.subarray(from, to)))
          from = to
        }
        expect(got).toEqual(lines.map((line) => Buffer.from(line).toString()))
      },
    ),
  )
})

test('skips empty lines', () => {
  expect(createLineSplitter(10).push(Buffer.from('\n\na\n\n'))).toEqual(['a'])
})

test('does not hold more than it may', () => {
  const { push } = createLineSplitter(10)
  push(Buffer.from('123456'))
  expect(() => push(Buffer.from('78901'))).toThrow(/over 10 bytes/)
})

test('looks at lines that are not small while they come in, each for itself', () => {
  const large = `[${'{},'.repeat(6_000)}{}]`
  const seen: number[] = []
  const { push } = createLineSplitter(1e6, {
    scanOf: () => {
      const at = seen.push(0) - 1
      return { push: (bytes) => void (seen[at] = (seen[at] ?? 0) + bytes.length), items: () => undefined }
    },
  })
  const bytes = Buffer.from(`${large}\n{}\n${large}${large}\n[]\n`)
  const lines: string[] = []
  for (let from = 0; from < bytes.length; from += 5_000) lines.push(...push(bytes.subarray(from, from + 5_000)))
  expect(lines).toEqual([large, '{}', large + large, '[]'])
  expect(seen).toEqual([large.length, 2 * large.length])
})

test('a line of too many parts is refused before it is whole', () => {
  const { push } = createLineSplitter(1e6, {
    scanOf: () => createJsonScan({ depth: 9, objectParts: 10, listParts: 10, items: 10 }, 'a line', 'object'),
  })
  expect(push(Buffer.from(`[${'1,'.repeat(100)}1]\n`))).toHaveLength(1)
  expect(() => push(Buffer.from(`[${'1,'.repeat(10_000)}`))).toThrow('a line is not read: it has more than 10 parts')
})
