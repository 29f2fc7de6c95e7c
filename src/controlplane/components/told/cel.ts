/** A string as CEL writes it: CEL knows every escape that JSON uses. */
export const text = (value: string): string => JSON.stringify(value)

/** A list of strings as CEL writes it. */
export const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`

/** A field that may not be there, at any depth: `field('c', 'securityContext.privileged')`. To be followed by `.orValue(...)`. */
export const field = (of: string, path: string): string => `${of}.?${path.replaceAll('.', '.?')}`

/** Whether a field is there and true. */
export const isTrue = (of: string, path: string): string => `${field(of, path)}.orValue(false)`

/** A list that may not be there. */
export const listAt = (of: string, path: string): string => `${field(of, path)}.orValue([])`

/** A list of one message when `bad` holds, else none. */
export const when = (bad: string, message: string): string => `(${bad}) ? [${message}] : []`

/** A message for each item of a list for which `bad` holds. */
export const each = (items: string, item: string, bad: string, message: string): string =>
  `${items}.filter(${item}, ${bad}).map(${item}, ${message})`

/** Whether a name is none of these, of which those with `*` at the end mean all that begin so. */
export const isOther = (name: string, allowed: readonly string[]): string => {
  if (allowed.includes('*')) return 'false'
  const exact = allowed.filter((each) => !each.endsWith('*'))
  const begins = allowed.filter((each) => each.endsWith('*')).map((each) => `${name}.startsWith(${text(each.slice(0, -1))})`)
  return [`!(${name} in ${list(exact)})`, ...begins.map((begin) => `!${begin}`)].join(' && ')
}
