import type { KubeList, KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'
import { AppError, type ErrorCode } from '../lib/errors.ts'
import type { KubeClient, ListOptions } from './client.ts'

const pageBytes = 64 * 1024 * 1024
/** More objects than etcd can hold, at 500 a page. */
const mostPages = 50_000

/** What API servers say there has a dozen digits or a few hundred letters; it is kept, and sent back in each request. */
const longest = { version: 256, continueToken: 16 * 1024 }

/** A resourceVersion as an API server may have made it. */
export const isVersion = (value: unknown): value is string => typeof value === 'string' && value.length <= longest.version

/** The pages of a whole list. Throws KUBE_SERVER_ERROR for one of no version, and KUBE_TOO_LARGE for one without end. */
export async function* listPages<T extends KubeObject>(
  client: Pick<KubeClient, 'server' | 'list'>,
  type: ResourceType,
  options: ListOptions & { readonly signal: AbortSignal },
): AsyncGenerator<KubeList<T>> {
  const bad = (code: ErrorCode, what: string) => new AppError(code, `a list of ${type.plural} of ${client.server} ${what}`, {})
  let continueToken: string | undefined
  let pages = 0
  do {
    const page = await client.list<T>(type, {
      ...options,
      maxAnswerBytes: pageBytes,
      timeoutMs: 30_000,
      ...(continueToken !== undefined && { continueToken }),
    })
    // There is nothing to watch from, and listing it anew would be without end and without a pause.
    if (!isVersion(page.metadata.resourceVersion)) throw bad('KUBE_SERVER_ERROR', 'has no resourceVersion')
    yield page
    continueToken = page.metadata.continue || undefined
    if (continueToken !== undefined && !(continueToken.length <= longest.continueToken))
      throw bad('KUBE_SERVER_ERROR', 'has a token that no API server gives')
    pages += 1
    if (pages >= mostPages) throw bad('KUBE_TOO_LARGE', 'has no end')
    if (continueToken !== undefined) await new Promise(setImmediate)
  } while (continueToken !== undefined && !options.signal.aborted)
}
