/** One place where the live object is not as wanted. */
export interface Drift {
  /** `spec.ports[0].port`, `metadata.labels["app/name"]`. */
  readonly path: string
  readonly live: unknown
  readonly wanted: unknown
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => value !== null && typeof value === 'object' && !Array.isArray(value)

/** The path of a field below another one. */
export const below = (path: string, key: string): string => {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

const nameOf = (item: unknown): string | undefined =>
  isObject(item) && typeof item['name'] === 'string' ? item['name'] : undefined

/** The name of each item, when every one has its own: then a list is a map, and what super's webhooks put in between does not matter. */
const namesOf = (items: readonly unknown[]): ReadonlyMap<string, unknown> | undefined => {
  const byName = new Map<string, unknown>()
  for (const item of items) {
    const name = nameOf(item)
    if (name === undefined || byName.has(name)) return undefined
    byName.set(name, item)
  }
  return byName
}

const listDrift = (live: readonly unknown[], wanted: readonly unknown[], path: string): Drift[] => {
  const [liveNames, wantedNames] = [namesOf(live), namesOf(wanted)]
  if (liveNames && wantedNames) {
    return [...wantedNames].flatMap(([name, item]) => fieldDrift(liveNames.get(name), item, `${path}[name=${name}]`))
  }
  return wanted.flatMap((item, index) => fieldDrift(live[index], item, `${path}[${index}]`))
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  value === 0 ||
  (isObject(value) && Object.keys(value).length === 0) ||
  (Array.isArray(value) && value.length === 0)

/** Every place where something wanted does not stand in the live value. What is only live is a default or an addition of super, and no drift. */
export const fieldDrift = (live: unknown, wanted: unknown, path = ''): Drift[] => {
  if (wanted === undefined || (isEmpty(wanted) && isEmpty(live))) return []
  if (Array.isArray(wanted) && Array.isArray(live)) return listDrift(live, wanted, path)
  if (isObject(wanted) && isObject(live)) {
    return Object.entries(wanted).flatMap(([key, value]) => fieldDrift(live[key], value, below(path, key)))
  }
  return live === wanted ? [] : [{ path, live, wanted }]
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** `spec.replicas is 2, wanted 3`; without the values for kinds whose content is nobody's business. */
export const describeDrift = ({ path, live, wanted }: Drift, { secret = false } = {}): string =>
  secret ? `${path} is not as wanted` : `${path} is ${short(live)}, wanted ${short(wanted)}`
