import { inFlight } from '../in-flight.ts'
import { readAtRest } from './at-rest.ts'
import { busySeconds } from './machine-cpu.ts'
import type { AloneFigures, Creation, CreationsAndDeletions, Rest } from './results.ts'
import { oneOf, type Stage } from './stage.ts'
import { type BenchPlane, createPlane, deletePlane } from './tenants.ts'

/** The manager's growth is counted from here: what it takes for the first tenants is mostly its own code getting warm. */
const fewTenants = 5

const create = async (stage: Stage, name: string): Promise<BenchPlane> => {
  const plane = await createPlane(stage, name)
  stage.progress(`${name} usable after ${plane.creation.seconds.toFixed(1)} s`)
  return plane
}

const remove = async (stage: Stage, { name, controlPlaneNamespace }: BenchPlane): Promise<number> => {
  const seconds = await deletePlane(stage, name, controlPlaneNamespace)
  stage.progress(`${name} deleted after ${seconds.toFixed(1)} s`)
  return seconds
}

const closeAll = (planes: readonly BenchPlane[]): Promise<unknown> => Promise.all(planes.map(({ client }) => client.close()))

/** Tenants one after the other, each gone before the next: what one takes that has the machine to itself. */
export const alone = async (stage: Stage): Promise<AloneFigures> => {
  const creations: Creation[] = []
  const deletions: number[] = []
  const cpuSeconds: number[] = []
  for (let index = 0; index < stage.options.tenants; index += 1) {
    const before = busySeconds()
    const plane = await create(stage, `plane-${index}`)
    cpuSeconds.push(busySeconds() - before)
    await plane.client.close()
    creations.push(plane.creation)
    deletions.push(await remove(stage, plane))
  }
  return { creations, deletions, cpuSeconds }
}

/** Tenants one after the other, all of which stay; looks at all at rest without any, with some, and with all of them; and deletes them one after the other. */
export const oneByOne = async (stage: Stage): Promise<CreationsAndDeletions & { readonly rests: readonly Rest[] }> => {
  const { tenants } = stage.options
  const few = tenants > fewTenants ? fewTenants : 1
  const rests = [await readAtRest(stage, [])]
  const planes: BenchPlane[] = []
  try {
    for (let index = 0; index < tenants; index += 1) {
      planes.push(await create(stage, `plane-${index}`))
      if (planes.length === few || planes.length === tenants) rests.push(await readAtRest(stage, planes))
    }
  } finally {
    await closeAll(planes)
  }
  const deletions: number[] = []
  for (const plane of planes) deletions.push(await remove(stage, plane))
  return { creations: planes.map(({ creation }) => creation), deletions, rests }
}

/** Tenants several at a time, and deleted all at once. */
export const atOnce = async (stage: Stage): Promise<CreationsAndDeletions> => {
  const planes: BenchPlane[] = []
  try {
    await inFlight(stage.options.tenants, stage.options.atOnce, async (index) => {
      planes.push(await create(oneOf(stage, stage.options.atOnce), `plane-${index}`))
    })
  } finally {
    await closeAll(planes)
  }
  const deletions = await Promise.all(planes.map((plane) => remove(oneOf(stage, planes.length), plane)))
  return { creations: planes.map(({ creation }) => creation), deletions }
}
