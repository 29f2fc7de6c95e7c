/** The parts of a V8 CPU profile that are read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[]
}

export interface SelfTime {
  readonly function: string
  readonly ms: number
  /** Of all time that is not idle, 0 to 1. */
  readonly share: number
}

const idle = '(idle)'

const place = (url: string, line: number): string => {
  if (!url) return ''
  const path = url.replace(/^.*\/(?=(?:src|node_modules)\/)/, '').replace('file://', '')
  return ` ${path}:${line + 1}`
}

/** The functions in which most time was spent themselves, largest first. */
export const topSelfTime = ({ nodes, samples, timeDeltas }: CpuProfile, count: number): SelfTime[] => {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}${place(url, lineNumber)}`,
    ]),
  )
  const spent = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? String(id)
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1000)
  }
  spent.delete(idle)
  const total = [...spent.values()].reduce((sum, ms) => sum + ms, 0)
  return [...spent]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, ms]) => ({ function: name, ms, share: ms / total }))
}
