import type { ClientRequest } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { eventually } from '../../src/testing/eventually.ts'
import { inFlight } from '../in-flight.ts'
import { createEventReader } from './event-reader.ts'
import type { StreamFigures } from './results.ts'
import type { Stage } from './stage.ts'
import { listedName, makeListed, servingStatus } from './tenants.ts'
import { spreadOf } from './timing.ts'
import { organization } from './world.ts'

const openedAtOnce = 50
/** For a process to come to rest before its memory is read, ms. */
const settleMs = 3000
const reachedMs = 30_000

/** Many clients of the event stream, and changes that all are told of. */
export const streams = async (stage: Stage): Promise<StreamFigures> => {
  const { world, options, progress, signal, onProfile } = stage
  const { management } = world
  await makeListed(stage)
  // A process of its own: what others asked for would be in its memory.
  const own = await world.startApi('api-streams')
  const { process, api } = own
  const clients: ClientRequest[] = []
  let started = 0
  let ended = 0
  /** When who had which change: each carries a number in the status. */
  const heard = new Map<number, number[]>()

  try {
    await pause(settleMs, undefined, { signal })
    const before = process.residentMiB()
    progress(`opening ${options.streams} event streams`)
    await inFlight(options.streams, openedAtOnce, async () => {
      signal.throwIfAborted()
      const { request, response } = await api.stream(`/v1/organizations/${organization}/events`)
      clients.push(request)
      const read = createEventReader()
      response.setEncoding('utf8')
      response.on('error', () => {})
      response.on('close', () => {
        ended += 1
      })
      response.on('data', (chunk: string) => {
        for (const { event, data } of read(chunk)) {
          if (event === 'start') started += 1
          const mark = /"Ready":(\d+)/.exec(data)?.[1]
          if (mark !== undefined) heard.get(Number(mark))?.push(performance.now())
        }
      })
    })
    await eventually(() => started === options.streams, { describe: 'all streams to begin', deadlineMs: reachedMs })
    await pause(settleMs, undefined, { signal })
    const open = process.residentMiB()

    progress(`telling them of ${options.events} changes`)
    /** Of each change, when each client had it, ms after the change was asked for. */
    const changes: number[][] = []
    const cpuBefore = process.cpuSeconds()
    for (let index = 0; index < options.events; index += 1) {
      signal.throwIfAborted()
      const name = listedName(index % options.tenants)
      const mark = 1000 + index
      const times: number[] = []
      heard.set(mark, times)
      const status = servingStatus(name)
      const began = performance.now()
      await management.setStatus(organization, name, { ...status, timings: { ...status.timings, Ready: mark } })
      await eventually(() => times.length === options.streams, {
        describe: `change ${index} to reach all (${times.length} of ${options.streams})`,
        deadlineMs: reachedMs,
        everyMs: 5,
      })
      heard.delete(mark)
      changes.push(times.map((at) => at - began))
    }
    const cpuSeconds = process.cpuSeconds() - cpuBefore
    const after = process.residentMiB()
    if (ended > 0) throw new Error(`${ended} streams have ended by themselves`)
    for (const client of clients.splice(0)) client.destroy()
    await pause(settleMs, undefined, { signal })
    return {
      clients: options.streams,
      residentMiB: { before, open, after, closed: process.residentMiB() },
      each: spreadOf(changes.flat()),
      all: spreadOf(changes.map((heardMs) => Math.max(...heardMs))),
      cpuMsPerEvent: (cpuSeconds * 1000) / (options.events * options.streams),
    }
  } finally {
    for (const client of clients) client.destroy()
    onProfile('the API with streams', await own.stop())
  }
}
