import { resourceTypes } from '../../src/apis/resource-types.ts'
import { rotated } from '../stats.ts'
import { knowing } from './knowing.ts'
import type { CreateFigures } from './results.ts'
import type { Stage } from './stage.ts'
import { makeListed, removeTenants, tenantBody } from './tenants.ts'
import { msOf, runProgram, spreadOf, timed } from './timing.ts'
import { organization } from './world.ts'

/** A program runs once for so many requests. */
const callsPerRun = 10

/** Names that nobody had before, of which a list is kept. */
const newNames = () => {
  const made: string[] = []
  return {
    made,
    next: (way: string): string => {
      const name = `${way}-${String(made.length).padStart(5, '0')}`
      made.push(name)
      return name
    },
  }
}

/** Tenants made in three ways that take turns; all of them go again. */
export const create = async (stage: Stage): Promise<CreateFigures> => {
  const { world, options, progress, signal } = stage
  const { calls, atOnce } = options
  await makeListed(stage)
  const names = newNames()
  const ways = {
    api: async () => {
      signal.throwIfAborted()
      const { status } = await world.api.ask('POST', `/v1/organizations/${organization}/tenants`, {
        name: names.next('api'),
        labels: { team: 'blue' },
      })
      if (status !== 202) throw new Error(`a tenant was answered with ${status}`)
    },
    raw: () => world.management.kube.create(resourceTypes.tenantControlPlanes, tenantBody(names.next('raw'))),
    kubectl: () =>
      runProgram({ ...world.kubectl('apply', '-f', '-'), input: JSON.stringify(tenantBody(names.next('kubectl'))) }, signal),
  }
  try {
    for (const way of Object.values(ways)) for (let times = 0; times < 3; times += 1) await way()
    progress('making tenants one after the other')
    const order = ['api', 'raw', 'kubectl'] as const
    const times: Record<(typeof order)[number], number[]> = { api: [], raw: [], kubectl: [] }
    for (let round = 0; round < calls; round += 1)
      for (const name of rotated(order, round))
        if (name !== 'kubectl' || round % callsPerRun === 0) times[name].push(await msOf(ways[name]))

    progress(`making tenants ${atOnce} at a time`)
    let api: number[] = []
    const seconds = (await msOf(async () => void (api = await timed(calls, atOnce, ways.api)))) / 1000
    const raw = await timed(calls, atOnce, ways.raw)
    const kubectl = await timed(Math.max(atOnce, Math.ceil(calls / callsPerRun)), atOnce, ways.kubectl)
    return {
      oneByOne: { api: spreadOf(times.api), raw: spreadOf(times.raw), kubectl: spreadOf(times.kubectl) },
      atOnce: { api: spreadOf(api), raw: spreadOf(raw), kubectl: spreadOf(kubectl) },
      perSecond: calls / seconds,
      knowing: await knowing(stage),
    }
  } finally {
    await removeTenants(stage, names.made)
  }
}
