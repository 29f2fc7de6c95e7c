/**
 * What happens to a field. Down: `pass`, as it is; `translate`, by a rule of its own; `drop`, super decides; `refuse`, the object does not go down. Up, for
 * a status: `pass`, super's value is told; `translate`, in the tenant's words; `drop`, the tenant's own value stays.
 */
export type Fate = 'pass' | 'translate' | 'drop' | 'refuse'

/** A fate with what people should know of it. */
export interface ToldRule {
  readonly fate: Fate
  /** What becomes of the field, or why not. Empty where it passes. */
  readonly how: string
  /** Of a field that holds an object or a list of objects: the fate of what is in it. */
  readonly of?: TypeTable
}

export type FieldRule = 'pass' | 'translate' | 'drop' | { readonly refuse: string } | ToldRule

/** Every field of one type of the API, in all Kubernetes versions served. A field without a row is refused: nobody has thought about it yet. */
export type FieldTable = Readonly<Record<string, FieldRule>>

export interface TypeTable {
  /** Name of the type in the API, without group and version. */
  readonly type: string
  readonly fields: FieldTable
}

const told = (fate: Fate, how: string, of: TypeTable | undefined): ToldRule => ({ fate, how, ...(of && { of }) })

export const pass = (of?: TypeTable): ToldRule => told('pass', '', of)
export const translate = (how: string, of?: TypeTable): ToldRule => told('translate', how, of)
export const drop = (how: string, of?: TypeTable): ToldRule => told('drop', how, of)
export const refuse = (why: string): ToldRule => told('refuse', why, undefined)

/** Rows of simple fields that pass. */
export const passing = (...names: readonly string[]): FieldTable => Object.fromEntries(names.map((name) => [name, pass()]))

export const typeTable = (type: string, ...rows: readonly FieldTable[]): TypeTable => ({
  type,
  fields: Object.assign({}, ...rows),
})

/** The row of a field in full; undefined when it has none. */
export const ruleOf = (table: FieldTable, field: string): ToldRule | undefined => {
  const rule = Object.hasOwn(table, field) ? table[field] : undefined
  if (typeof rule === 'string') return { fate: rule, how: '' }
  return rule && 'refuse' in rule ? { fate: 'refuse', how: rule.refuse } : rule
}

export interface RefusedField {
  /** Path from the object on, for example `containers[main].resources.claims`. */
  readonly field: string
  readonly why: string
}

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const refusedInside = (field: string, value: unknown, table: FieldTable): RefusedField | undefined => {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value]
  for (const [index, item] of items.entries()) {
    const inner = isObject(item) ? refusedField(item, table) : undefined
    if (!inner) continue
    const which = Array.isArray(value) ? `[${(item as { name?: string }).name ?? index}]` : ''
    return { field: `${field}${which}.${inner.field}`, why: inner.why }
  }
  return undefined
}

/** The first field of `object`, at whatever depth, that does not go down. Fields without a value do not count. */
export const refusedField = (object: object, table: FieldTable): RefusedField | undefined => {
  for (const [field, value] of Object.entries(object)) {
    if (isNothing(value)) continue
    const rule = ruleOf(table, field)
    if (rule === undefined) return { field, why: 'this field is not known here' }
    if (rule.fate === 'refuse') return { field, why: rule.how }
    const inner = rule.of && rule.fate !== 'drop' ? refusedInside(field, value, rule.of.fields) : undefined
    if (inner) return inner
  }
  return undefined
}

/** The fields of `object` that have this fate. */
export const fieldsWith = (object: object, table: FieldTable, fate: Fate): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(object).filter(([field, value]) => value !== undefined && ruleOf(table, field)?.fate === fate),
  )

/** The fields of `object` that go as they are. */
export const passingFields = (object: object, table: FieldTable): Record<string, unknown> => fieldsWith(object, table, 'pass')

/** `object` without what has no row or is refused, at whatever depth; itself when there is nothing of the kind. */
export const knownFields = <T>(object: T, table: FieldTable): T => {
  if (Array.isArray(object)) {
    const items = object.map((item: unknown) => knownFields(item, table))
    return items.every((item, index) => item === object[index]) ? object : (items as T)
  }
  if (!isObject(object)) return object
  const entries = Object.entries(object)
  const known = entries.flatMap(([field, value]): [string, unknown][] => {
    const rule = ruleOf(table, field)
    return rule && rule.fate !== 'refuse' ? [[field, rule.of ? knownFields(value, rule.of.fields) : value]] : []
  })
  const same = known.length === entries.length && known.every(([, value], index) => value === entries[index]?.[1])
  return same ? object : (Object.fromEntries(known) as T)
}
