import fc from 'fast-check'
import { expect, test } from 'vitest'
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
