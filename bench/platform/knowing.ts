import { setTimeout as pause } from 'node:timers/promises'
import type { ApiClient } from './api-client.ts'
import { createEventReader } from './event-reader.ts'
import type { CreateFigures } from './results.ts'
import type { Stage } from './stage.ts'
import { removeTenants, servingStatus } from './tenants.ts'
import { msOf, runProgram, spreadOf } from './timing.ts'
import { organization } from './world.ts'

/** From when a tenant was made until it is ready, ms: long enough for whoever waits to be waiting. */
const readyAfterMs = 1500
const knownMs = 30_000

/** Resolves when the stream says that a tenant is ready. */
const readyEvent = async (api: ApiClient, name: string): Promise<{ readonly ready: Promise<void>; readonly end: () => void }> => {
  const { request, response } = await api.stream(`/v1/organizations/${organization}/events`)
  const read = createEventReader()
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`no event says that ${name} is ready`)), readyAfterMs + knownMs)
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    for (const { event, data } of read(chunk))
      if (event === 'tenant.ready' && (JSON.parse(data) as { name: string }).name === name) resolve()
  })
  response.on('error', reject)
  return {
    ready,
    end: () => {
      clearTimeout(timer)
      request.destroy()
    },
  }
}

/** How soon one who waits knows that a tenant is ready: the event stream of the API beside `kubectl wait`. The bench plays the manager. */
export const knowing = async (stage: Stage): Promise<CreateFigures['knowing']> => {
  const { world, options, progress, signal } = stage
  const { management, api } = world
  const rounds = Math.max(2, Math.ceil(options.calls / 20))
  const events: number[] = []
  const kubectl: number[] = []
  const names: string[] = []
  const newTenant = async (): Promise<string> => {
    const name = `known-${String(names.length).padStart(4, '0')}`
    names.push(name)
    await api.ask('POST', `/v1/organizations/${organization}/tenants`, { name })
    return name
  }
  /** From when the status is written; `known` was begun before. */
  const msUntil = async (name: string, known: Promise<void>): Promise<number> => {
    await pause(readyAfterMs, undefined, { signal })
    return msOf(async () => {
      await management.setStatus(organization, name, servingStatus(name))
      await known
    })
  }
  progress('waiting for tenants to be ready')
  try {
    for (let round = 0; round < rounds; round += 1) {
      const first = await newTenant()
      const stream = await readyEvent(api, first)
      try {
        events.push(await msUntil(first, stream.ready))
      } finally {
        stream.end()
      }
      const second = await newTenant()
      const flags = ['--for=condition=Ready', `--timeout=${knownMs}ms`, '--namespace', organization]
      const waiting = runProgram(world.kubectl('wait', `tcp/${second}`, ...flags), signal)
      // Looked at below; until then it is nobody's.
      waiting.catch(() => {})
      kubectl.push(await msUntil(second, waiting))
    }
    return { events: spreadOf(events), kubectl: spreadOf(kubectl) }
  } finally {
    await removeTenants(stage, names)
  }
}
