import type { KubeClient } from '../src/kube/client.ts'

/** Writes that API servers have answered well since their start, by `VERB resource/subresource`. */
export type WriteCounts = ReadonlyMap<string, number>

const writeVerbs = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE'])
const label = (labels: string, name: string): string => new RegExp(`[{,]${name}="([^"]*)"`).exec(labels)?.[1] ?? ''

/** Reads `apiserver_request_total` out of an API server's metrics. Failed calls and deletions of whole collections are left out. */
export const parseWrites = (metrics: string): WriteCounts => {
  const counts = new Map<string, number>()
  for (const line of metrics.split('\n')) {
    if (!line.startsWith('apiserver_request_total{')) continue
    const end = line.lastIndexOf('}')
    const labels = line.slice('apiserver_request_total'.length, end)
    const verb = label(labels, 'verb')
    if (!writeVerbs.has(verb) || !label(labels, 'code').startsWith('2')) continue
    const subresource = label(labels, 'subresource')
    const key = `${verb} ${label(labels, 'resource')}${subresource && `/${subresource}`}`
    counts.set(key, (counts.get(key) ?? 0) + Number(line.slice(end + 1)))
  }
  return counts
}

export const readWrites = async (client: KubeClient): Promise<WriteCounts> => {
  const { status, body } = await client.raw('/metrics', { timeoutMs: 30_000 })
  if (status !== 200) throw new Error(`${client.server} answered ${status} when asked for its metrics`)
  return parseWrites(body)
}

/** What came on top between two readings; kinds of writes that did not happen are left out. */
export const writesBetween = (before: WriteCounts, after: WriteCounts): Map<string, number> =>
  new Map([...after].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const).filter(([, count]) => count > 0))

export const addedUp = (all: readonly WriteCounts[]): Map<string, number> => {
  const sum = new Map<string, number>()
  for (const counts of all) for (const [key, count] of counts) sum.set(key, (sum.get(key) ?? 0) + count)
  return sum
}
