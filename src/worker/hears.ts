import { type Endpoint, wantsEvent } from '../jobs/webhooks/endpoint.ts'
import type { NotedEvent } from './told-record.ts'

/** A webhook of an organisation. */
export interface Heard {
  readonly name: string
  readonly uid: string
  /** RFC 3339. */
  readonly createdAt: string
  readonly endpoint: Endpoint
}

/** True when an endpoint is to hear of an event. What may be old news, it hears only when that is younger than itself. */
export const hears = (
  { endpoint, createdAt }: Pick<Heard, 'endpoint' | 'createdAt'>,
  { type, time, isFirst, told }: Pick<NotedEvent, 'type' | 'time' | 'isFirst' | 'told'>,
): boolean => wantsEvent(endpoint, type) && !((isFirst || told) && Date.parse(time) < Date.parse(createdAt))
