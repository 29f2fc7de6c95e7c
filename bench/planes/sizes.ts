import { resourceTypes } from '../../src/apis/resource-types.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { rotated } from '../stats.ts'
import { programFigures, readPlanes, readTwice } from './at-rest.ts'
import { burst, configMap, cpuOf, percentiles, timed } from './load.ts'
import type { BurstFigures, SizeFigures } from './results.ts'
import type { Stage } from './stage.ts'
import { type BenchPlane, withPlane } from './tenants.ts'

const sizesCompared = ['small', 'medium'] as const
/** Enough that each size comes first and second alike, with the machine as busy for one as for the other. */
const batchCount = 10
const warmUpCalls = 20
const type = resourceTypes.configMaps
const namespace = 'default'
const read = { namespace, name: 'warm-0' }

/** What a batch of calls took. */
interface Batch {
  readonly getMs: readonly number[]
  readonly createMs: readonly number[]
  readonly cpuSeconds: number
}

const callInTurn = async (client: KubeClient, prefix: string, count: number): Promise<Pick<Batch, 'getMs' | 'createMs'>> => {
  const [getMs, createMs]: [number[], number[]] = [[], []]
  for (let index = 0; index < count; index += 1) {
    await timed(createMs, () => client.create(type, configMap(namespace, `${prefix}-${index}`)))
    await timed(getMs, () => client.get(type, read))
  }
  return { getMs, createMs }
}

const runBatch = async ({ superClient }: Stage, plane: BenchPlane, number: number, count: number): Promise<Batch> => {
  const [before] = await readPlanes(superClient, [plane])
  const times = await callInTurn(plane.client, `batch-${number}`, count)
  const [after] = await readPlanes(superClient, [plane])
  return { ...times, cpuSeconds: cpuOf(after) - cpuOf(before) }
}

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
  const bursts: BurstFigures[] = []
  for (const [index, plane] of planes.entries()) {
    progress(`${options.burst} writes at once to ${sizesCompared[index]}`)
    bursts.push(await burst(stage, plane, options.burst))
  }
  return bursts.map((ofBurst, index) => {
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
      burst: ofBurst,
    }
  })
}

/** What the settings of `small` save and what they cost: one tenant of each size side by side, asked in turn. */
export const sizes = (stage: Stage): Promise<SizeFigures[]> =>
  withPlane(stage, 'small', { size: 'small' }, (small) =>
    withPlane(stage, 'medium', { size: 'medium' }, (medium) => compare(stage, [small, medium])),
  )
