import type { ConfigRef } from './gateway-spec.ts'

/** Fields of a Gateway, at any depth, that name Secrets and ConfigMaps: one, or a list. */
const refFields: ReadonlySet<string> = new Set(['caCertificateRefs', 'certificateRefs', 'clientCertificateRef'])

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

/** A copy of a spec that has been read, with each reference put through `map`, which is told where it stands. */
export const mapRefs = <T>(value: T, map: (ref: ConfigRef, where: string) => ConfigRef, where = 'spec'): T => {
  if (Array.isArray(value)) return value.map((item: unknown, index) => mapRefs(item, map, `${where}[${index}]`)) as T
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([field, inner]) => {
    const place = `${where}.${field}`
    if (!refFields.has(field) || !isObject(inner)) return [field, mapRefs(inner, map, place)]
    const refs = inner as ConfigRef | readonly ConfigRef[]
    return [field, Array.isArray(refs) ? refs.map((ref, index) => map(ref, `${place}[${index}]`)) : map(refs as ConfigRef, place)]
  })
  return Object.fromEntries(entries) as T
}

/** Every reference of a spec that has been read, and where it stands. */
export const refsIn = (spec: object): readonly { readonly where: string; readonly ref: ConfigRef }[] => {
  const found: { where: string; ref: ConfigRef }[] = []
  mapRefs(spec, (ref, where) => {
    found.push({ where, ref })
    return ref
  })
  return found
}
