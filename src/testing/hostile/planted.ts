import fc from 'fast-check'
import { type FieldTable, ruleOf, type TypeTable } from '../../syncer/pods/fields.ts'

/** Types of which the product has no table of its own: it is left to API servers to know their fields. */
const unread: ReadonlySet<string> = new Set(['IngressRule', 'HTTPIngressRuleValue', 'HTTPIngressPath'])

interface Place {
  readonly object: Record<string, unknown>
  readonly fields: FieldTable
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Every object in `value` whose type has a table, itself first. What is dropped whole has no rules inside. */
const placesIn = (value: unknown, { type, fields }: TypeTable): readonly Place[] => {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => placesIn(item, { type, fields }))
  if (!isObject(value)) return []
  const inner = Object.entries(value).flatMap(([field, held]) => {
    const rule = ruleOf(fields, field)
    return rule?.of && rule.fate !== 'drop' ? placesIn(held, rule.of) : []
  })
  return unread.has(type) ? inner : [{ object: value, fields }, ...inner]
}

const refusedOf = ({ fields }: Place): readonly string[] =>
  Object.keys(fields).filter((field) => ruleOf(fields, field)?.fate === 'refuse')

/** A field that may not go down: a refused one where there is one, else one that nobody knows. */
export interface Plant {
  readonly what: 'refused' | 'unknown'
  readonly at: number
  readonly value: unknown
}

/** What to plant into an object: in one of ten something. */
export const somePlant: fc.Arbitrary<Plant | undefined> = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 9 },
  {
    arbitrary: fc.record({
      what: fc.constantFrom('refused', 'refused', 'unknown'),
      at: fc.nat({ max: 999 }),
      value: fc.constantFrom<unknown>('x', '', 0, 1, true, false, {}, { name: 'x' }, [{ name: 'x' }], ['x']),
    }),
    weight: 1,
  },
)

const unknownFields = ['teleport', 'constructor', '__proto__']

/** A copy of `object` with the plant somewhere where the table speaks of it. */
export const planted = <T extends object>(object: T, table: TypeTable, { what, at, value }: Plant): T => {
  const copy = structuredClone(object)
  const places = placesIn(copy, table)
  const refused = places.flatMap((place) => refusedOf(place).map((field) => ({ place, field })))
  const unknown = places.flatMap((place) => unknownFields.map((field) => ({ place, field })))
  const all = what === 'refused' && refused.length > 0 ? refused : unknown
  const chosen = all[at % all.length]
  // As `JSON.parse` would, to which `__proto__` is a name like any other.
  if (chosen) Object.defineProperty(chosen.place.object, chosen.field, { value, enumerable: true, configurable: true })
  return copy
}

const saysNothing = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0)

/** Paths in `value` of all fields that are refused or that no table knows. An own walk: what is tried must not judge itself. */
export const fieldsNotDown = (value: unknown, { type, fields }: TypeTable, path: string = type): readonly string[] => {
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => fieldsNotDown(item, { type, fields }, `${path}[${index}]`))
  if (!isObject(value)) return []
  return Object.keys(value).flatMap((field) => {
    const [held, row] = [value[field], Object.hasOwn(fields, field) ? fields[field] : undefined]
    const where = `${path}.${field}`
    if (saysNothing(held)) return []
    if (row === undefined) return [`${where} is unknown`]
    if (typeof row === 'string') return []
    if ('refuse' in row || row.fate === 'refuse') return [`${where} is refused`]
    return row.of ? fieldsNotDown(held, row.of, where) : []
  })
}
