import type { KubeObject } from '../../apis/kube-object.ts'
import { below } from '../verify/field-drift.ts'

/** Who wrote which fields, as the API server of one side keeps it. */
export interface FieldOwner {
  readonly side: 'tenant' | 'super'
  readonly manager: string
  readonly operation: string
  readonly subresource: string
  /** RFC 3339. */
  readonly time: string | undefined
  /** `spec.containers[name=main].image`; those below a field that is owned whole are not listed. */
  readonly fields: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `{"name":"main"}` as `[name=main]`. */
const itemOf = (text: string): string => {
  try {
    const keys: unknown = JSON.parse(text)
    if (!isFields(keys)) return `[${text}]`
    return `[${Object.entries(keys)
      .map(([key, value]) => `${key}=${String(value)}`)
      .join(',')}]`
  } catch {
    return `[${text}]`
  }
}

/** One step of a path in FieldsV1: `f:` a field, `k:` an item by its keys, `v:` an item by its value, `i:` one by its place. */
const stepOf = (path: string, key: string): string => {
  const text = key.slice(2)
  switch (key.slice(0, 2)) {
    case 'f:':
      return below(path, text)
    case 'k:':
      return `${path}${itemOf(text)}`
    default:
      return `${path}[${text}]`
  }
}

/** Deeper than any object of Kubernetes: managers are as hostile as the tenant that names them. */
const maxDepth = 40

const leavesOf = (fields: unknown, path: string, depth = 0): string[] => {
  const steps = isFields(fields) ? Object.entries(fields).filter(([key]) => key !== '.') : []
  if (steps.length === 0 || depth > maxDepth) return path === '' ? [] : [path]
  return steps.flatMap(([key, value]) => leavesOf(value, stepOf(path, key), depth + 1))
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What `metadata.managedFields` of one side's object says. */
export const fieldOwners = (side: FieldOwner['side'], { metadata }: KubeObject): readonly FieldOwner[] => {
  const entries: readonly unknown[] = Array.isArray(metadata.managedFields) ? metadata.managedFields : []
  return entries.filter(isFields).map((entry) => ({
    side,
    manager: textOf(entry['manager']),
    operation: textOf(entry['operation']),
    subresource: textOf(entry['subresource']),
    time: textOf(entry['time']) || undefined,
    fields: leavesOf(entry['fieldsV1'], ''),
  }))
}
