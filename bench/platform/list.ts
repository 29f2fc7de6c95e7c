import { resourceTypes } from '../../src/apis/resource-types.ts'
import { collectionPath } from '../../src/kube/paths.ts'
import { rotated } from '../stats.ts'
import type { ListFigures } from './results.ts'
import type { Stage } from './stage.ts'
import { makeListed } from './tenants.ts'
import { msOf, runProgram, spreadOf, timed } from './timing.ts'
import { organization } from './world.ts'

const path = `/v1/organizations/${organization}/tenants`
const pageSize = 100
/** A program runs once for so many requests. */
const callsPerRun = 10
/** A busy machine takes its time with several whole lists at once. */
const rawMs = 60_000

interface Page {
  readonly items: readonly unknown[]
  readonly nextCursor?: string
}

const checkCount = (found: number, wanted: number): void => {
  if (found !== wanted) throw new Error(`the list has ${found} tenants, not ${wanted}`)
}

/** Lists of all tenants of one organisation, by three ways that take turns. */
export const list = async (stage: Stage): Promise<ListFigures> => {
  const { world, options, progress, signal } = stage
  const { api, management } = world
  await makeListed(stage)
  let cursor: string | undefined
  const apiPage = async () => {
    signal.throwIfAborted()
    const { body } = await api.ask('GET', `${path}?limit=${pageSize}${cursor === undefined ? '' : `&cursor=${cursor}`}`)
    cursor = (JSON.parse(body) as Page).nextCursor
  }
  const anyPage = () => api.ask('GET', `${path}?limit=${pageSize}`)
  const apiAll = () => api.ask('GET', `${path}?limit=1000`)
  const rawPath = collectionPath(resourceTypes.tenantControlPlanes, organization)
  const raw = async () => {
    const { status } = await management.kube.raw(rawPath, { timeoutMs: rawMs })
    if (status !== 200) throw new Error(`GET ${rawPath}: ${status}`)
  }
  const kubectl = () => runProgram(world.kubectl('get', 'tcp', '--namespace', organization), signal)

  // Warm, and known to be whole.
  const first = JSON.parse((await apiAll()).body) as Page
  checkCount(first.items.length, Math.min(options.tenants, 1000))
  for (const warm of [apiPage, apiAll, raw, kubectl]) for (let times = 0; times < 3; times += 1) await warm()

  progress(`listing ${options.tenants} tenants one after the other`)
  const ways = { apiPage, apiAll, raw, kubectl }
  const names = ['apiPage', 'apiAll', 'raw', 'kubectl'] as const
  const times: Record<(typeof names)[number], number[]> = { apiPage: [], apiAll: [], raw: [], kubectl: [] }
  for (let round = 0; round < options.calls; round += 1)
    for (const name of rotated(names, round))
      if (name !== 'kubectl' || round % callsPerRun === 0) times[name].push(await msOf(ways[name]))

  progress(`listing them ${options.atOnce} at a time`)
  const { calls, atOnce } = options
  return {
    oneByOne: {
      apiPage: spreadOf(times.apiPage),
      apiAll: spreadOf(times.apiAll),
      raw: spreadOf(times.raw),
      kubectl: spreadOf(times.kubectl),
    },
    atOnce: {
      apiPage: spreadOf(await timed(calls, atOnce, anyPage)),
      apiAll: spreadOf(await timed(calls, atOnce, apiAll)),
      raw: spreadOf(await timed(calls, atOnce, raw)),
    },
  }
}
