import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient, ListOptions } from '../kube/client.ts'
import { explainError, hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

const pageSize = 500
const pauseMs = 2_000

type OnEvent = (event: KubeObject) => void

/**
 * Follows all Events of a cluster from now on and hands each on once; keeps none, for they are many and each is read only once. What was there before is read
 * by `readBacklog`, tenant by tenant, when somebody is there to tell.
 */
export const pumpEvents = async (
  onEvent: OnEvent,
  { client, log, signal }: { client: KubeClient; log: Log; signal: AbortSignal },
): Promise<void> => {
  let resourceVersion: string | undefined
  let missed = false
  while (!signal.aborted) {
    try {
      resourceVersion ??= missed
        ? await readAll(onEvent, {}, { client, signal })
        : (await client.list(resourceTypes.events, { limit: 1, metadataOnly: true, signal })).metadata.resourceVersion
      missed = true
      for await (const event of client.watch(resourceTypes.events, { resourceVersion: resourceVersion ?? '0', signal })) {
        if (event.type === 'ERROR') {
          resourceVersion = undefined
          break
        }
        resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion
        if (event.type === 'ADDED' || event.type === 'MODIFIED') onEvent(event.object)
      }
    } catch (error) {
      if (signal.aborted) return
      if (hasCode(error, 'KUBE_GONE')) resourceVersion = undefined
      else log.warn({ error: explainError(error) }, 'watch of events broke')
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
}

/** Kinds without a namespace, whose Events lie in `default`, that tenants hear of. */
const clusterScoped = ['Node', 'PersistentVolume', 'Namespace']

/** Hands on the Events that lie in super namespaces and of what tenants see in none; one list after the other, for it is not urgent. */
export const readBacklog = async (
  superNamespaces: readonly string[],
  onEvent: OnEvent,
  { client, signal }: { client: Pick<KubeClient, 'list'>; signal: AbortSignal },
): Promise<void> => {
  for (const namespace of superNamespaces) await readAll(onEvent, { namespace }, { client, signal })
  for (const kind of clusterScoped) {
    await readAll(onEvent, { namespace: 'default', fieldSelector: `involvedObject.kind=${kind}` }, { client, signal })
  }
}

/** Hands on what is there, page by page; returns where to watch from. */
const readAll = async (
  onEvent: OnEvent,
  selection: Pick<ListOptions, 'namespace' | 'fieldSelector'>,
  { client, signal }: { client: Pick<KubeClient, 'list'>; signal: AbortSignal },
): Promise<string> => {
  let continueToken: string | undefined
  let version: string | undefined
  do {
    const page = await client.list(resourceTypes.events, {
      ...selection,
      limit: pageSize,
      signal,
      ...(continueToken !== undefined && { continueToken }),
    })
    for (const event of page.items) onEvent(event)
    version ??= page.metadata.resourceVersion
    continueToken = page.metadata.continue || undefined
  } while (continueToken !== undefined && !signal.aborted)
  return version ?? '0'
}
