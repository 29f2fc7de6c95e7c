import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { explainError, hasCode } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

const pageSize = 500
const pauseMs = 2_000

/** Follows all Events of a cluster and hands each on once; keeps none, for they are many and each is read only once. */
export const pumpEvents = async (
  onEvent: (event: KubeObject) => void,
  { client, log, signal }: { client: KubeClient; log: Log; signal: AbortSignal },
): Promise<void> => {
  let resourceVersion: string | undefined
  while (!signal.aborted) {
    try {
      resourceVersion ??= await readAll(onEvent, { client, signal })
      for await (const event of client.watch(resourceTypes.events, { resourceVersion, signal })) {
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

/** Hands on what is there, page by page; returns where to watch from. */
const readAll = async (
  onEvent: (event: KubeObject) => void,
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<string> => {
  let continueToken: string | undefined
  let version: string | undefined
  do {
    const page = await client.list(resourceTypes.events, {
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
