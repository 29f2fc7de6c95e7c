import type { KubeList, KubeObject } from '../apis/kube-object.ts'
import type { ResourceType } from '../apis/resource-types.ts'
import { AppError, type ErrorCode } from '../lib/errors.ts'
import type { KubeClient, ListOptions } from './client.ts'

const pageBytes = 64 * 1024 * 1024
/** More objects than etcd can hold, at 500 a page. */
const mostPages = 50_000

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
    if (typeof page.metadata.resourceVersion !== 'string') throw bad('KUBE_SERVER_ERROR', 'has no resourceVersion')
    yield page
    continueToken = page.metadata.continue || undefined
    pages += 1
    if (pages >= mostPages) throw bad('KUBE_TOO_LARGE', 'has no end')
    if (continueToken !== undefined) await new Promise(setImmediate)
  } while (continueToken !== undefined && !options.signal.aborted)
}
