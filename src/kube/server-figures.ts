/** What the metrics of a kube-apiserver say of it. Undefined is what they say nothing of. */
export interface ServerFigures {
  /** Objects that it stores, of all kinds together. */
  readonly objects: number | undefined
  /** Requests that this process has answered since it started. */
  readonly requests: number | undefined
  /** When this process started, in ms since 1970. */
  readonly startedAt: number | undefined
}

/** The newer name first. */
const storedNames = ['apiserver_resource_objects', 'apiserver_storage_objects'] as const
const answeredName = 'apiserver_request_total'
const startedName = 'process_start_time_seconds'

/** Path of the metrics with no more in them than is read here. A server that cannot choose (client_golang before 1.23) answers with all. */
export const figuresPath = `/metrics?${[...storedNames, answeredName, startedName].map((name) => `name[]=${name}`).join('&')}`

/** Name of the metric in a line of the text format; '' of a comment. */
const nameOf = (line: string): string => /^[a-zA-Z_:][\w:]*/.exec(line)?.[0] ?? ''

/** Reads metrics in the text format of Prometheus. */
export const serverFigures = (exposition: string): ServerFigures => {
  const wanted = new Set<string>([...storedNames, answeredName, startedName])
  const sums = new Map<string, number>()
  for (const line of exposition.split('\n')) {
    const name = nameOf(line)
    if (!wanted.has(name)) continue
    const value = Number(line.slice(line.lastIndexOf(' ') + 1))
    // -1: it could not be counted.
    sums.set(name, (sums.get(name) ?? 0) + (Number.isFinite(value) && value > 0 ? value : 0))
  }
  const stored = storedNames.find((name) => sums.has(name))
  const started = sums.get(startedName)
  return {
    objects: stored && sums.get(stored),
    requests: sums.get(answeredName),
    startedAt: started === undefined ? undefined : Math.round(started * 1000),
  }
}
