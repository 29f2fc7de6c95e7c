import type { Entry, Fence } from '../data-stores/copy-client.ts'
import { rangeOfPrefix } from '../data-stores/store-range.ts'
import { batchesOf, type CopyEnd, fenceKey, type NamedEntry, pagesOf } from './entries.ts'

/** From where to where, and what is told of it. */
export interface Copying {
  readonly source: CopyEnd
  readonly target: CopyEnd
  /** Whoever copies: nobody else writes to the target from then on. */
  readonly token: string
  readonly tell: (message: string) => void
  readonly signal: AbortSignal
}

/** Revisions are made this many at a time: more than this, and etcd answers no faster. */
const touchesAtOnce = 64

/**
 * Brings an etcd to a revision that is higher than `least`, one write at a time, as there is no other way for one that runs. Clients go by the resourceVersion of
 * what they have seen: a watch from one that is yet to come stays silent until then.
 */
export const raiseRevision = async (
  { client, prefix }: CopyEnd,
  { least, fence, tell, signal }: { least: number; fence: Fence } & Pick<Copying, 'tell' | 'signal'>,
): Promise<void> => {
  let { revision } = await client.look(rangeOfPrefix(prefix))
  const toucher = async (): Promise<void> => {
    while (revision <= least) {
      signal.throwIfAborted()
      revision = Math.max(revision, await client.touch(fence))
      if (revision % 5000 === 0) tell(`the revision of the target is raised: ${least - revision} are missing`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(touchesAtOnce, Math.max(0, least - revision + 1)) }, toucher))
}

/** A lease that runs out sooner is not there any more when its keys are written. */
export const leastLeaseSeconds = 15

/** Leases of the source with what takes their place in the target. Keys that have one in common there have one in common here. */
const createLeases = ({ source, target }: Pick<Copying, 'source' | 'target'>) => {
  const made = new Map<string, Promise<string | undefined>>()
  const renew = async (lease: string): Promise<string | undefined> => {
    const seconds = await source.client.leaseSeconds(lease)
    return seconds === undefined ? undefined : target.client.grantLease(Math.max(seconds, leastLeaseSeconds))
  }
  /** Undefined: it has run out, and its keys with it. */
  return (lease: string): Promise<string | undefined> => {
    if (lease === '0') return Promise.resolve(lease)
    const known = made.get(lease) ?? renew(lease)
    made.set(lease, known)
    return known
  }
}

/**
 * Copies all that is below the one prefix to below the other. Nobody else may write to either. What is there already is written once more: done again, after a
 * part of it was done, it gives the same. Leases get as long as they have left. Gives the number of keys.
 */
export const copyRange = async ({ source, target, token, tell, signal }: Copying): Promise<number> => {
  const fence: Fence = { key: fenceKey(target.prefix), token }
  await target.client.takeFence(fence)
  const { revision, keys: all } = await source.client.look(rangeOfPrefix(source.prefix))
  await raiseRevision(target, { least: revision, fence, tell, signal })
  const leaseFor = createLeases({ source, target })
  const prefix = Buffer.from(target.prefix)
  const renamed = async ({ name, value, lease }: NamedEntry): Promise<readonly Entry[]> => {
    const id = await leaseFor(lease)
    return id === undefined ? [] : [{ key: Buffer.concat([prefix, name]), value, lease: id }]
  }
  let keys = 0
  for await (const page of pagesOf(source, signal)) {
    const entries = (await Promise.all(page.map(renamed))).flat()
    await Promise.all(batchesOf(entries).map((batch) => target.client.write(batch, fence)))
    keys += entries.length
    tell(`${keys} of ${all} keys are copied`)
  }
  return keys
}
