import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { type Endpoint, type EndpointRef, readEndpoint } from './endpoint.ts'

export interface StoredEndpoint {
  readonly uid: string
  readonly endpoint: Endpoint
}

/** Reads endpoints, each at most once in a few seconds: a burst of events asks once. A watch would need the right to list all Secrets. */
export interface EndpointReader {
  /** Undefined when there is none of this name. Throws SPEC_INVALID for a broken one, and errors of the API server. */
  read(ref: EndpointRef, signal: AbortSignal): Promise<StoredEndpoint | undefined>
  forget(ref: EndpointRef): void
}

export interface EndpointReaderOptions {
  readonly client: Pick<KubeClient, 'get'>
  /** How long an answer is kept, ms. Default 5 s. */
  readonly keepMs?: number
  /** Monotonic, ms. */
  readonly now?: () => number
}

const mostKept = 10_000
const readMs = 10_000

export const createEndpointReader = ({
  client,
  keepMs = 5000,
  now = () => performance.now(),
}: EndpointReaderOptions): EndpointReader => {
  const kept = new Map<string, { readonly until: number; readonly answer: Promise<StoredEndpoint | undefined> }>()
  const keyOf = ({ namespace, name }: EndpointRef) => `${namespace}/${name}`
  const ask = async ({ namespace, name }: EndpointRef): Promise<StoredEndpoint | undefined> => {
    const object = await client.get(resourceTypes.secrets, { namespace, name }, { timeoutMs: readMs })
    const endpoint = object && readEndpoint(object)
    return endpoint && { uid: object.metadata.uid ?? '', endpoint }
  }
  return {
    read: async (ref, signal) => {
      signal.throwIfAborted()
      const key = keyOf(ref)
      const known = kept.get(key)
      if (known && known.until > now()) return known.answer
      const answer = ask(ref)
      if (kept.size >= mostKept) kept.clear()
      kept.set(key, { until: now() + keepMs, answer })
      try {
        return await answer
      } catch (error) {
        if (kept.get(key)?.answer === answer) kept.delete(key)
        throw error
      }
    },
    forget: (ref) => void kept.delete(keyOf(ref)),
  }
}
