import { type BerthClient, type Operation, OperationError } from '../../client/index.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { printable } from '../printable.ts'

/** Twice a second, as with the management cluster. */
const everyMs = 500

const progressOf = ({ steps, message }: Operation): string => {
  const done = steps.filter(({ state }) => state === 'Done').length
  return steps.length === 0 ? message : `${done} of ${steps.length}: ${message}`
}

/**
 * Waits for the end of an operation and tells on stderr what it waits for, whenever that changes. Gives the code of failure when it ended otherwise than asked.
 * Throws DEADLINE_EXCEEDED after `timeout` seconds; 0: it does not wait.
 */
export const followOperation = async (
  operation: Operation,
  { berth, what, timeout }: { readonly berth: BerthClient; readonly what: string; readonly timeout: number },
  { stderr, signal }: Pick<CliHost, 'stderr' | 'signal'>,
): Promise<ExitCode> => {
  if (timeout === 0) return exitCodes.done
  let told = ''
  const tell = (seen: Operation): void => {
    const line = `${what}: ${printable(progressOf(seen))}\n`
    if (line !== told) stderr.write(line)
    told = line
  }
  try {
    await berth.waitForOperation(operation, { signal, timeoutMs: timeout * 1000, everyMs, onProgress: tell })
    return exitCodes.done
  } catch (error) {
    // It was told why.
    if (error instanceof OperationError && !error.isLate) return exitCodes.failed
    throw error
  }
}
