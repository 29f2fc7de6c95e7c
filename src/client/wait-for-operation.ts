import type { Operations } from './generated/operations.ts'
import type { Operation } from './generated/schemas.ts'
import { pause } from './pause.ts'

/** An operation did not do what was asked, or not in time. */
export class OperationError extends Error {
  override readonly name = 'OperationError'
  /** As it was seen last. */
  readonly operation: Operation
  /** True when it goes on, and only the time was over. */
  readonly isLate: boolean

  constructor(operation: Operation, { isLate, detail }: { readonly isLate: boolean; readonly detail: string }) {
    super(detail)
    this.operation = operation
    this.isLate = isLate
  }
}

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds; default 10 minutes. */
  readonly timeoutMs?: number | undefined
  /** Milliseconds between two looks; default 1 s. */
  readonly everyMs?: number | undefined
  /** Told whenever its state, message or steps are others. */
  readonly onProgress?: ((operation: Operation) => void) | undefined
}

const isUnderWay = ({ state }: Operation): boolean => state === 'Pending' || state === 'Running'

/** Waits for the end of an operation, and resolves with it when it has succeeded. Throws OperationError when it ended otherwise or is late, and ApiError. */
export const waitForOperation = async (
  operation: Pick<Operation, 'organization' | 'id'>,
  { signal, timeoutMs = 600_000, everyMs = 1000, onProgress }: WaitOptions,
  getOperation: Operations['getOperation'],
): Promise<Operation> => {
  const end = Date.now() + timeoutMs
  for (let told = ''; ; ) {
    const { body: seen } = await getOperation({ org: operation.organization, operation: operation.id }, { signal })
    const text = JSON.stringify([seen.state, seen.message, seen.steps])
    if (text !== told) onProgress?.(seen)
    told = text
    const what = `operation ${seen.id} (${seen.kind}${seen.tenant === undefined ? '' : ` of tenant ${seen.tenant}`})`
    if (seen.state === 'Succeeded') return seen
    if (!isUnderWay(seen)) throw new OperationError(seen, { isLate: false, detail: `${what} is ${seen.state}: ${seen.message}` })
    if (Date.now() + everyMs > end) {
      const detail = `${what} is not done after ${timeoutMs / 1000} s: ${seen.message}. It goes on by itself`
      throw new OperationError(seen, { isLate: true, detail })
    }
    await pause(everyMs, signal)
  }
}
