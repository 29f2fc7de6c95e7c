import type { KubeObject } from '../../src/apis/kube-object.ts'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { inFlight } from '../in-flight.ts'
import { makeNamespace } from '../namespaces.ts'
import { percentile } from '../stats.ts'
import { readPlanes } from './at-rest.ts'
import type { ProgramUse } from './processes.ts'
import type { BurstFigures, Percentiles } from './results.ts'
import { type Stage, secondsSince } from './stage.ts'
import type { BenchPlane } from './tenants.ts'

const type = resourceTypes.configMaps

/** About 1 KB, as most ConfigMaps. */
export const configMap = (namespace: string, name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data: { 'settings.yaml': 'key: value\n'.repeat(90) },
})

export const timed = async (times: number[], call: () => Promise<unknown>): Promise<void> => {
  const began = performance.now()
  await call()
  times.push(performance.now() - began)
}

export const percentiles = (times: readonly number[]): Percentiles => ({
  p50: percentile(times, 0.5),
  p99: percentile(times, 0.99),
})

export const cpuOf = (programs: ReadonlyMap<string, ProgramUse> | undefined): number =>
  [...(programs?.values() ?? [])].reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)

/** Writers of a burst at the same time: as many as a busy controller has. */
const writers = 16
/** A list of so many objects is asked for so often. */
const listed = { objects: 2_000, times: 20 }

const write = (client: KubeClient, namespace: string, count: number, times: number[]): Promise<void> =>
  inFlight(count, writers, (index) => timed(times, () => client.create(type, configMap(namespace, `burst-${index}`))))

/**
 * Writes `objects` ConfigMaps to one tenant as fast as it takes them from 16 writers, the first 2,000 into a namespace that is then listed whole, 20
 * times.
 */
export const burst = async (stage: Stage, plane: BenchPlane, objects: number): Promise<BurstFigures> => {
  const { superClient, signal } = stage
  const { client } = plane
  const first = Math.min(objects, listed.objects)
  for (const namespace of ['listed', 'burst']) await makeNamespace(client, namespace)
  const [createMs, listMs]: [number[], number[]] = [[], []]
  const [before] = await readPlanes(superClient, [plane])
  const began = performance.now()
  await write(client, 'listed', first, createMs)
  await write(client, 'burst', objects - first, createMs)
  const seconds = secondsSince(began)
  const [after] = await readPlanes(superClient, [plane])
  for (let time = 0; time < listed.times; time += 1) {
    signal.throwIfAborted()
    await timed(listMs, () => client.list(type, { namespace: 'listed' }))
  }
  return {
    objects,
    seconds,
    cpuSeconds: Object.fromEntries(
      [...(after ?? [])].map(([name, use]) => [name, use.cpuSeconds - (before?.get(name)?.cpuSeconds ?? 0)]),
    ),
    createMs: percentiles(createMs),
    listMs: percentiles(listMs),
    residentMiB: Object.fromEntries([...(after ?? [])].map(([name, { resident }]) => [name, resident / 2 ** 20])),
  }
}
