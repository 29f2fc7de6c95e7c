import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeObject } from '../src/apis/kube-object.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import type { KubeClient } from '../src/kube/client.ts'
import { hasCode } from '../src/lib/errors.ts'
import { inFlight } from './in-flight.ts'

/** Taking away is not measured and may take long on a busy machine. */
const removalMs = 300_000

/** Asks again until `done` says so. Throws at the deadline with what `seen` says. */
export const until = async (
  what: string,
  deadlineMs: number,
  done: () => Promise<boolean>,
  seen: () => string = () => '',
): Promise<void> => {
  const end = performance.now() + deadlineMs
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${deadlineMs / 1000} s. ${seen()}`.trim())
    await sleep(100)
  }
}

/** Makes a namespace, and waits for the account that pods in it run as. */
export const makeNamespace = async (client: KubeClient, name: string, labels: Record<string, string> = {}): Promise<void> => {
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
  await client.create(resourceTypes.namespaces, namespace).catch((error: unknown) => {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
  })
  const ref = { name: 'default', namespace: name }
  await until(
    `default account of ${name}`,
    30_000,
    async () => (await client.get(resourceTypes.serviceAccounts, ref)) !== undefined,
  )
}

/** Deletes namespaces with all they hold, and waits until they are gone. */
export const removeNamespaces = async (client: KubeClient, names: readonly string[]): Promise<void> => {
  await Promise.all(names.map((name) => client.delete(resourceTypes.namespaces, { name })))
  await untilNamespacesGone(client, names)
}

export const untilNamespacesGone = async (client: KubeClient, names: readonly string[]): Promise<void> => {
  let left: string[] = []
  const look = async (): Promise<boolean> => {
    const { items } = await client.list(resourceTypes.namespaces, { metadataOnly: true })
    left = items.map(({ metadata }) => metadata.name ?? '').filter((name) => names.includes(name))
    return left.length === 0
  }
  await until('namespaces gone', removalMs, look, () => `left: ${left.join(' ')}`)
}

/** Deletes the pods with a label at once, and waits until they are gone. What a busy server does not get done is asked for again. */
export const removePods = async (client: KubeClient, labelSelector: string, limit: number): Promise<void> => {
  let left = 0
  const sweep = async (): Promise<boolean> => {
    const { items } = await client.list(resourceTypes.pods, { labelSelector, metadataOnly: true })
    left = items.length
    await inFlight(items.length, limit, async (index) => {
      const { name = '', namespace = '' } = items[index]?.metadata ?? {}
      await client.delete(resourceTypes.pods, { name, namespace }, { gracePeriodSeconds: 0 }).catch((error: unknown) => {
        if (!hasCode(error, 'KUBE_SERVER_ERROR', 'KUBE_TIMEOUT', 'KUBE_TOO_MANY_REQUESTS')) throw error
      })
    })
    return left === 0
  }
  await until('pods removed', removalMs, sweep, () => `${left} left`)
}

export const untilPodsGone = async (client: KubeClient, labelSelector: string): Promise<void> => {
  let left = 0
  const look = async (): Promise<boolean> => {
    left = (await client.list(resourceTypes.pods, { labelSelector, metadataOnly: true })).items.length
    return left === 0
  }
  await until('pods gone', removalMs, look, () => `${left} left`)
}
