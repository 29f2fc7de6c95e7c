interface Line {
  readonly text: string
  /** It tells of a failure, not of progress. */
  readonly isFailure: boolean
}

const failures: ReadonlySet<unknown> = new Set(['error', 'fatal', 'panic', 'dpanic'])

/** As etcd logs: one JSON object a line (go.uber.org/zap). */
const jsonLine = (line: string): Line | undefined => {
  if (!line.startsWith('{')) return undefined
  try {
    const { level, msg, error } = JSON.parse(line) as Record<string, unknown>
    if (typeof msg !== 'string') return undefined
    return { text: typeof error === 'string' ? `${msg}: ${error}` : msg, isFailure: failures.has(level) }
  } catch {
    return undefined
  }
}

/** As Kubernetes logs: `E1121 23:41:59.552378    8454 run.go:72] text` (k8s.io/klog). */
const klogLine = (line: string): Line | undefined => {
  const [, level, text] = /^([IWEF])\d{4} \S+\s+\d+ \S+\] (.*)$/.exec(line) ?? []
  return level === undefined || text === undefined ? undefined : { text, isFailure: level === 'E' || level === 'F' }
}

const plainLine = (line: string): Line => ({ text: line, isFailure: /^(panic|fatal error|error):/i.test(line) })

/**
 * Why a process ended, out of the last lines that it wrote, which is all that a pod's status keeps of it: its failures without times, places and the stack
 * below a panic; when there are none, the last three lines.
 */
export const lastWords = (text: string, maxLength = 600): string => {
  const all = text.split('\n').filter((line) => line.trim() !== '')
  const stack = all.findIndex((line) => /^goroutine \d+ \[/.test(line))
  const lines = (stack > 0 ? all.slice(0, stack) : all).map((line) => jsonLine(line) ?? klogLine(line) ?? plainLine(line))
  const failed = [...new Set(lines.filter(({ isFailure }) => isFailure).map((line) => line.text))]
  const told = failed.length > 0 ? failed.slice(-2) : lines.slice(-3).map((line) => line.text)
  return told.join(' | ').slice(-maxLength)
}
