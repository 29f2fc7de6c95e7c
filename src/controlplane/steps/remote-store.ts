import { AppError } from '../../lib/errors.ts'
import { withStore } from '../data-stores/store-client.ts'
import { sizeText } from '../data-stores/store-meter.ts'
import { rangeOfPrefix } from '../data-stores/store-range.ts'
import type { Deps } from '../deps.ts'
import { storeUser } from '../names.ts'
import type { Round, StepOutcome } from '../steps.ts'

/**
 * A data store that is not the tenant's own, shared or external. It has to answer, and a shared one has to have the tenant's user, before the API server
 * starts; one that does not answer is thrown, and asked again with growing pauses.
 */
export const runRemoteStore = async (round: Round, deps: Deps): Promise<StepOutcome> => {
  const { observed, ref, now } = round
  const { access, problem, name } = observed.remoteStore ?? { name: 'the data store' }
  if (problem || !access) {
    // Of all tenants of a store that is away at once: with growing pauses.
    if (problem?.reason === 'DataStoreUnreachable') throw new AppError('DATA_STORE_UNREACHABLE', problem.message, {})
    const { reason, message } = problem ?? { reason: 'DataStoreUnchecked', message: `${name} was not looked at yet` }
    return { kind: 'wait', reason, message, problem: problem !== undefined, retryAfterMs: 1000 }
  }
  const range = rangeOfPrefix(access.prefix)
  const { keys, bytes } = await withStore(access.connection, deps, async (client) => {
    if (access.kind === 'shared') await client.allow(storeUser(ref.uid), range)
    return deps.storeMeter.measured(ref.uid, range, client, now)
  })
  const message = `${name} serves; ${sizeText(bytes)} in ${keys} keys below ${access.prefix} when it was measured last`
  return { kind: 'done', reason: 'Serving', message }
}
