import { type EventsInput, type EventsOptions, type TenantEvent, tenantEvents } from './events.ts'
import { createOperations, type Operations } from './generated/operations.ts'
import type { Operation } from './generated/schemas.ts'
import { type ClientOptions, createCall } from './transport.ts'
import { type WaitOptions, waitForOperation } from './wait-for-operation.ts'

export { ApiError, type ClientCode, isApiError } from './api-error.ts'
export type { Answer, CallOptions } from './call.ts'
export type { EventsInput, EventsOptions, TenantEvent } from './events.ts'
export type * from './generated/operations.ts'
export type * from './generated/schemas.ts'
export { eachItem } from './items.ts'
export type { ClientOptions } from './transport.ts'
export { OperationError, type WaitOptions } from './wait-for-operation.ts'

/** The HTTP API of Berth: a function for each operation of its document, and what takes more than one request. */
export interface BerthClient extends Operations {
  /** Waits for the end of an operation. Throws OperationError when it did not succeed, or not in time. */
  readonly waitForOperation: (operation: Pick<Operation, 'organization' | 'id'>, options?: WaitOptions) => Promise<Operation>
  /** What happens to the tenants of an organisation, over lost connections. */
  readonly events: (input: EventsInput, options?: EventsOptions) => AsyncGenerator<TenantEvent, void>
}

/** A client of the HTTP API at an address, with an API key. Throws ApiError INPUT_INVALID for an address or a key that is none. */
export const createClient = (options: ClientOptions): BerthClient => {
  const operations = createOperations(createCall(options))
  return {
    ...operations,
    waitForOperation: (operation, waitOptions = {}) => waitForOperation(operation, waitOptions, operations.getOperation),
    events: (input, eventsOptions = {}) => tenantEvents(input, eventsOptions, operations.streamEvents),
  }
}
