import type { ServerResponse } from 'node:http'
import { AppError } from '../lib/errors.ts'
import type { ApiDeps } from './deps.ts'
import { createEventLog, type EventLog, eventOf, type TenantEvent } from './event-log.ts'
import type { Principal } from './server.ts'

/** What a client may leave unread, in bytes: one that is slower is cut, and comes again from where it was. */
const maxUnreadBytes = 1024 * 1024
const heartbeatMs = 15_000
const keptEvents = 5000

export interface StreamRequest {
  readonly organization: string
  readonly principal: Principal
  readonly lastEventId: string | undefined
}

/** Events of tenants to many clients. */
export interface Streams {
  /** Throws RATE_LIMITED when the organisation has as many streams as it may. */
  readonly check: (organization: string) => void
  /** Serves one client until it goes, is too slow or its key ends. Its headers are sent by then. */
  readonly serve: (request: StreamRequest, response: ServerResponse) => void
  /** Ends all. */
  readonly stop: () => void
}

interface Client extends StreamRequest {
  readonly response: ServerResponse
}

const textOf = ({ id, kind, data }: TenantEvent): string => `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`

export const createStreams = (
  { caches, limits, log }: Pick<ApiDeps, 'caches' | 'limits' | 'log'>,
  isAlive: (principal: Principal) => boolean,
): Streams => {
  const clients = new Set<Client>()
  const sinceNow = caches.tenantsPosition()
  let events: EventLog | undefined = sinceNow === undefined ? undefined : createEventLog({ size: keptEvents, since: sinceNow })
  /** From the first whole list on: what was before is not known. */
  const logOf = (): EventLog => {
    events ??= createEventLog({ size: keptEvents, since: caches.tenantsPosition() ?? '' })
    return events
  }

  const drop = (client: Client, why: string): void => {
    if (!clients.delete(client)) return
    log.info({ organization: client.organization, key: client.principal.keyId, reason: why }, 'event stream ended')
    client.response.destroy()
  }
  const write = (client: Client, text: string): void => {
    if (client.response.writableLength > maxUnreadBytes) return drop(client, 'the client reads too slowly')
    client.response.write(text)
  }

  const forget = caches.onTenant((kind, plane, old) => {
    const event = eventOf(kind, plane, old, caches.tenantsPosition())
    logOf().add(event)
    const text = textOf(event)
    for (const client of clients) if (client.organization === event.organization) write(client, text)
  })
  const heartbeat = setInterval(() => {
    for (const client of clients) {
      if (isAlive(client.principal)) write(client, ': heartbeat\n\n')
      else drop(client, 'its API key has ended')
    }
  }, heartbeatMs)
  heartbeat.unref()

  return {
    check: (organization) => {
      const own = [...clients].filter((client) => client.organization === organization).length
      if (own < limits.streams) return
      throw new AppError('RATE_LIMITED', `organisation ${organization} has ${own} event streams, which is as many as it may`, {
        retryAfterMs: 10_000,
      })
    },
    serve: (request, response) => {
      const client = { ...request, response }
      clients.add(client)
      response.on('close', () => clients.delete(client))
      const position = caches.tenantsPosition() ?? ''
      const missed = request.lastEventId === undefined ? [] : logOf().after(request.organization, request.lastEventId)
      // Where the stream begins has an id too, so that a client that is cut before the first event misses none.
      const begin = missed ? 'start' : 'reset'
      const id = missed && request.lastEventId !== undefined ? request.lastEventId : position
      write(client, `retry: 2000\nid: ${id}\nevent: ${begin}\ndata: {"position":${JSON.stringify(id)}}\n\n`)
      for (const event of missed ?? []) write(client, textOf(event))
    },
    stop: () => {
      forget()
      clearInterval(heartbeat)
      for (const client of clients) {
        clients.delete(client)
        client.response.end()
      }
    },
  }
}
