import { z } from 'zod'

const count = z.int().min(0)
const schema = z.object({
  /** RFC 3339. */
  at: z.string().max(40),
  /** Of the TenantControlPlane whose settings were tried. */
  generation: count,
  pass: count,
  notApplicable: count,
  /** IDs of checks. */
  failed: z.array(z.string().max(63)).max(200),
  unknown: z.array(z.string().max(63)).max(200),
})

/** How a whole run of isolation checks ended, as an annotation of the TenantControlPlane has it. */
export type IsolationRecord = z.output<typeof schema>

export const isolationRecordText = (record: IsolationRecord): string => JSON.stringify(schema.parse(record))

/** Undefined for a text that is none. */
export const parseIsolationRecord = (text: string): IsolationRecord | undefined => {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
