/** One line of Prometheus' text format (version 0.0.4). Label values stay escaped, as they came. */
export interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: string
  /** Milliseconds since the epoch; undefined when the line has none. */
  readonly timestamp: string | undefined
}

const metricName = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,?)/y
const valueAndTime = /^ +([-+0-9.eEInNaf]+)(?: +(-?\d{1,18}))? *$/

/** Reads a sample; undefined for a comment, an empty line and all that the format does not know. */
export const parseSample = (line: string): Sample | undefined => {
  metricName.lastIndex = 0
  const name = metricName.exec(line)?.[0]
  if (name === undefined) return undefined
  let at = metricName.lastIndex
  const labels = new Map<string, string>()
  if (line[at] === '{') {
    at += 1
    while (line[at] !== '}') {
      label.lastIndex = at
      const found = label.exec(line)
      if (!found) return undefined
      const [, key = '', value = '', comma] = found
      // Two of a name: which one counts would be a matter of who reads.
      if (labels.has(key)) return undefined
      labels.set(key, value)
      at = label.lastIndex
      if (comma === '' && line[at] !== '}') return undefined
    }
    at += 1
  }
  const rest = valueAndTime.exec(line.slice(at))
  return rest ? { name, labels, value: rest[1] ?? '', timestamp: rest[2] } : undefined
}

/** Writes a sample as one line, without its end. */
export const formatSample = ({ name, labels, value, timestamp }: Sample): string => {
  const pairs = [...labels].map(([key, text]) => `${key}="${text}"`).join(',')
  return `${name}${pairs === '' ? '' : `{${pairs}}`} ${value}${timestamp === undefined ? '' : ` ${timestamp}`}`
}
