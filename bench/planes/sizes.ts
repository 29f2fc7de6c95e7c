import type { KubeObject } from '../../src/apis/kube-object.ts'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { percentile, rotated } from '../stats.ts'
import { programFigures, readPlanes, readTwice } from './at-rest.ts'
import type { ProgramUse } from './processes.ts'
import type { SizeFigures } from './results.ts'
import type { Stage } from './stage.ts'
import { type BenchPlane, withPlane } from './tenants.ts'

const sizesCompared = ['small', 'medium'] as const
/** Enough that each size comes first and second alike, with the machine as busy for one as for the other. */
const batchCount = 10
const warmUpCalls = 20
const type = resourceTypes.configMaps
const namespace = 'default'
const read = { namespace, name: 'warm-0' }

/** About 1 KB, as most ConfigMaps. */
const configMap = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name },
  data: { 'settings.yaml': 'key: value\n'.repeat(90) },
})

const timed = async (times: number[], call: () => Promise<unknown>): Promise<void> => {
  const began = performance.now()
  await call()
  times.push(performance.now() - began)
}

/** What a batch of calls took. */
interface Batch {
  readonly getMs: readonly number[]
  readonly createMs: readonly number[]
  readonly cpuSeconds: number
}

const callInTurn = async (client: KubeClient, prefix: string, count: number): Promise<Pick<Batch, 'getMs' | 'createMs'>> => {
  const [getMs, createMs]: [number[], number[]] = [[], []]
  for (let index = 0; index < count; index += 1) {
    await timed(createMs, () => client.create(type, configMap(`${prefix}-${index}`)))
    await timed(getMs, () => client.get(type, read))
  }
  return { getMs, createMs }
}

const cpuOf = (programs: ReadonlyMap<string, ProgramUse> | undefined): number =>
  [...(programs?.values() ?? [])].reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)

const runBatch = async ({ superClient }: Stage, plane: BenchPlane, number: number, count: number): Promise<Batch> => {
  const [before] = await readPlanes(superClient, [plane])
  const times = await callInTurn(plane.client, `batch-${number}`, count)
  const [after] = await readPlanes(superClient, [plane])
  return { ...times, cpuSeconds: cpuOf(after) - cpuOf(before) }
}

const percentiles = (times: readonly number[]): { p50: number; p99: number } => ({
  p50: percentile(times, 0.5),
  p99: percentile(times, 0.99),
})

const compare = async (stage: Stage, planes: readonly BenchPlane[]): Promise<SizeFigures[]> => {
  const { superClient, progress, options } = stage
  progress(`at rest: ${sizesCompared.join(' and ')}`)
  for (const { client } of planes) await callInTurn(client, 'warm', warmUpCalls)
  const { before, after, seconds } = await readTwice(stage, () => readPlanes(superClient, planes))
  const batches: Batch[][] = planes.map(() => [])
  for (let number = 0; number < batchCount; number += 1) {
    stage.signal.throwIfAborted()
    progress(`calls: ${number + 1} of ${batchCount}`)
    for (const index of rotated([...planes.keys()], number)) {
      const [plane, done] = [planes[index], batches[index]]
      if (plane && done) done.push(await runBatch(stage, plane, number, Math.ceil(options.calls / batchCount)))
    }
  }
  const loaded = await readPlanes(superClient, planes)
  return planes.map((_, index) => {
    const of = batches[index] ?? []
    const [getMs, createMs] = [of.flatMap((batch) => batch.getMs), of.flatMap((batch) => batch.createMs)]
    const cpuSeconds = of.reduce((sum, batch) => sum + batch.cpuSeconds, 0)
    return {
      size: sizesCompared[index] ?? '',
      atRest: programFigures(before.slice(index, index + 1), after.slice(index, index + 1), seconds),
      residentMiBAfterCalls: Object.fromEntries(
        [...(loaded[index] ?? [])].map(([name, { resident }]) => [name, resident / 2 ** 20]),
      ),
      getMs: percentiles(getMs),
      createMs: percentiles(createMs),
      cpuMsPerCall: (cpuSeconds * 1000) / (getMs.length + createMs.length),
    }
  })
}

/** What the settings of `small` save and what they cost: one tenant of each size side by side, asked in turn. */
export const sizes = (stage: Stage): Promise<SizeFigures[]> =>
  withPlane(stage, 'small', { size: 'small' }, (small) =>
    withPlane(stage, 'medium', { size: 'medium' }, (medium) => compare(stage, [small, medium])),
  )
