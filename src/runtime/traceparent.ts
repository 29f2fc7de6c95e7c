/** Where a trace comes from, as the W3C header has it. */
export interface TraceParent {
  readonly traceId: string
  readonly spanId: string
  /** Whether who began the trace keeps it. */
  readonly isKept: boolean
}

const pattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/

/** Reads a `traceparent` header of any version; undefined for what is none. */
export const parseTraceparent = (header: string | undefined): TraceParent | undefined => {
  const [, traceId, spanId, flags, rest] = (header !== undefined && header.length <= 512 && pattern.exec(header)) || []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  // Version 00 has nothing behind its flags.
  if (header?.startsWith('00') && rest !== '') return undefined
  return { traceId, spanId, isKept: (Number.parseInt(flags, 16) & 1) === 1 }
}

export const traceparentText = ({ traceId, spanId, isKept }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isKept ? '01' : '00'}`
