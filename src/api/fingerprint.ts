import { createHash } from 'node:crypto'

/** JSON with its keys in order: two documents that mean the same are the same text. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`
}

/** Stands for what a request asks for: method, path, precondition and body. The headers around it say nothing of that. */
export const requestFingerprint = (request: {
  readonly method: string
  readonly path: string
  readonly ifMatch?: string | undefined
  readonly body?: unknown
}): string => createHash('sha256').update(canonicalJson(request)).digest('hex')
