import { expect, test } from 'vitest'
import { parseTraceparent, traceparentText } from './traceparent.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

test.for<[header: string | undefined, isKept: boolean | undefined]>([
  [`00-${traceId}-${spanId}-01`, true],
  [`00-${traceId}-${spanId}-00`, false],
  [`00-${traceId}-${spanId}-03`, true],
  [`cc-${traceId}-${spanId}-01-what-will-be`, true],
  [`00-${traceId}-${spanId}-01-what`, undefined],
  [`ff-${traceId}-${spanId}-01`, undefined],
  [`00-${'0'.repeat(32)}-${spanId}-01`, undefined],
  [`00-${traceId}-${'0'.repeat(16)}-01`, undefined],
  [`00-${traceId.toUpperCase()}-${spanId}-01`, undefined],
  [`00-${traceId}-${spanId}-01\n`, undefined],
  [`00-${traceId}-${spanId}`, undefined],
  [`cc-${traceId}-${spanId}-01-${'x'.repeat(1000)}`, undefined],
  ['', undefined],
  [undefined, undefined],
])('%s', ([header, isKept]) =>
  expect(parseTraceparent(header)).toEqual(isKept === undefined ? undefined : { traceId, spanId, isKept }),
)

test('is written as it is read', () => {
  const parent = { traceId, spanId, isKept: true }
  expect(parseTraceparent(traceparentText(parent))).toEqual(parent)
})
