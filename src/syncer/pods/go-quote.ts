/** What Go's strconv.IsPrint takes: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')

const quoteCharacter = (character: string): string => {
  const short = shortEscapes[character]
  if (short !== undefined) return short
  if (printable.test(character)) return character
  const code = character.codePointAt(0) ?? 0
  // Half of a surrogate pair: Go reads it from JSON as the replacement character.
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  if (code < 0x80) return `\\x${hex(code, 2)}`
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

/** A text as Go's strconv.Quote writes it. */
export const goQuote = (text: string): string => `"${Array.from(text, quoteCharacter).join('')}"`

/** A label or annotation map as the kubelet writes it into a downward API file: sorted `key="quoted value"` lines, without a last line end. */
export const formatMap = (map: Readonly<Record<string, string>> = {}): string =>
  Object.keys(map)
    .sort()
    .map((key) => `${key}=${goQuote(map[key] ?? '')}`)
    .join('\n')
