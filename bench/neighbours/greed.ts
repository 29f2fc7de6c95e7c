import type { KubeObject } from '../../src/apis/kube-object.ts'
import { type ResourceType, resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { benchPod } from '../pod-body.ts'

const connections = 32
/** So many of its objects are there at once; the oldest goes first. */
const kept = 300

interface Greedy {
  readonly type: ResourceType
  readonly make: (name: string) => KubeObject
}

const kindsIn = (namespace: string, run: string): readonly Greedy[] => [
  { type: resourceTypes.pods, make: (name) => benchPod({ name, namespace, run }) },
  {
    type: resourceTypes.configMaps,
    make: (name) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { settings: 'key: value\n'.repeat(500) },
    }),
  },
  {
    type: resourceTypes.services,
    make: (name) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { selector: { app: name }, ports: [{ port: 80 }] },
    }),
  },
]

/**
 * Writes to one tenant as fast as its API server takes it, until `signal` ends it: two pods for each ConfigMap and Service, and deletes what is too many.
 * What is refused is tried no more; the next one is.
 * @returns how many writes were taken.
 */
export const beGreedy = async (
  client: KubeClient,
  { namespace, run }: { readonly namespace: string; readonly run: string },
  signal: AbortSignal,
): Promise<number> => {
  const [pods, configMaps, services] = kindsIn(namespace, run) as [Greedy, Greedy, Greedy]
  const turns = [pods, configMaps, pods, services]
  const made: { type: ResourceType; name: string }[] = []
  let next = 0
  let taken = 0
  const done = (): void => {
    taken += 1
  }
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      const index = next++
      const { type, make } = turns[index % turns.length] ?? pods
      const name = `greedy-${run}-${index}`
      await client.create(type, make(name)).then(
        () => {
          done()
          made.push({ type, name })
        },
        () => {},
      )
      const oldest = made.length > kept ? made.shift() : undefined
      if (oldest)
        await client.delete(oldest.type, { name: oldest.name, namespace }, { gracePeriodSeconds: 0 }).then(done, () => {})
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  return taken
}
