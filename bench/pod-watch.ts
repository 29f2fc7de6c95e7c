import type { KubeObject } from '../src/apis/kube-object.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import type { KubeClient } from '../src/kube/client.ts'

/** What a watch of pods has seen. */
export interface PodWatch {
  /** When each pod was first seen Ready, by name: milliseconds as `performance.now()` gives them. */
  readonly readyAt: ReadonlyMap<string, number>
  /** Resolves when so many pods were seen Ready. Throws at the deadline, or when the watch broke. */
  whenReady(count: number, deadlineMs: number): Promise<void>
  stop(): void
}

export const isReady = ({ status }: KubeObject): boolean =>
  status?.phase === 'Running' &&
  (status.conditions ?? []).some(
    (condition: { type: string; status: string }) => condition.type === 'Ready' && condition.status === 'True',
  )

/** Watches the pods with a label from now on, in all namespaces. */
export const watchPods = async (client: KubeClient, labelSelector: string): Promise<PodWatch> => {
  const readyAt = new Map<string, number>()
  const stopping = new AbortController()
  const { metadata } = await client.list(resourceTypes.pods, { labelSelector, limit: 1 })
  let wake = (): void => {}
  let broken: Error | undefined

  const follow = async (): Promise<void> => {
    let resourceVersion = metadata.resourceVersion ?? '0'
    // A server that is hard at work ends watches that do not keep up; the next one goes on where that stopped.
    while (!stopping.signal.aborted) {
      for await (const event of client.watch(resourceTypes.pods, { labelSelector, resourceVersion, signal: stopping.signal })) {
        if (event.type === 'ERROR') throw new Error(event.object.message)
        resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion
        const name = event.object.metadata.name ?? ''
        if (event.type === 'BOOKMARK' || event.type === 'DELETED' || readyAt.has(name) || !isReady(event.object)) continue
        readyAt.set(name, performance.now())
        wake()
      }
    }
  }
  follow().catch((cause: unknown) => {
    broken = new Error(`the watch of pods at ${client.server} broke`, { cause })
    wake()
  })

  return {
    readyAt,
    whenReady: (count, deadlineMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`${readyAt.size} of ${count} pods were Ready after ${deadlineMs} ms`))
        }, deadlineMs)
        wake = () => {
          if (broken === undefined && readyAt.size < count) return
          clearTimeout(timer)
          if (broken === undefined) resolve()
          else reject(broken)
        }
        wake()
      }),
    stop: () => stopping.abort(),
  }
}
