import { Resolver } from 'node:dns/promises'
import type { Resolve } from './target.ts'

/** A name keeps its addresses so long, ms: a burst of events asks once. */
const keepMs = 10_000
const mostNames = 10_000
/** Answers that say that a name has no address of one family. */
const noSuchRecord = new Set(['ENODATA', 'ENOTFOUND'])

/**
 * Names by DNS alone, IPv4 first. Not as the machine resolves them: its search domains would make a name of the cluster of any name, and a name server that is silent
 * would take a thread from everybody.
 */
export const createDnsResolve = (now: () => number = () => performance.now()): Resolve => {
  const resolver = new Resolver({ timeout: 2000, tries: 2 })
  const known = new Map<string, { readonly until: number; readonly addresses: readonly string[] }>()
  return async (name) => {
    const kept = known.get(name)
    if (kept && kept.until > now()) return kept.addresses
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    const addresses = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length === 0) {
      const failures = [v4, v6].flatMap((answer): unknown[] => (answer.status === 'rejected' ? [answer.reason] : []))
      const real = failures.find((error) => !noSuchRecord.has(String((error as { code?: unknown }).code)))
      throw real ?? failures[0] ?? new Error('it has no address')
    }
    if (known.size >= mostNames) known.clear()
    known.set(name, { until: now() + keepMs, addresses })
    return addresses
  }
}
