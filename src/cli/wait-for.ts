import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../lib/errors.ts'
import type { ExitCode } from './exit-codes.ts'
import type { CliHost } from './host.ts'
import { printable } from './printable.ts'

const lookAgainMs = 500

/** What was seen: with a code it is over. */
export interface Look {
  readonly code?: ExitCode | undefined
  readonly message: string
}

/**
 * Looks until it is over and gives the code. What is waited for is told on stderr whenever it changes. Throws DEADLINE_EXCEEDED after `timeout` seconds, with
 * what `late` says of what was seen last.
 */
export const waitFor = async (
  what: string,
  look: () => Promise<Look>,
  { timeout, late }: { readonly timeout: number; readonly late: (message: string) => string },
  host: CliHost,
): Promise<ExitCode> => {
  const end = host.now() + timeout * 1000
  for (let told = ''; ; ) {
    const { code, message } = await look()
    if (message !== told) host.stderr.write(`${what}: ${printable(message)}\n`)
    told = message
    if (code !== undefined) return code
    if (host.now() > end) throw new AppError('DEADLINE_EXCEEDED', late(message), {})
    await sleep(lookAgainMs, undefined, { signal: host.signal })
  }
}

/** The code of something that gets there, is refused, or is still on its way. */
export const codeOf = (
  kind: 'there' | 'refused' | 'under way',
  { done, failed }: Record<'done' | 'failed', ExitCode>,
): ExitCode | undefined => {
  switch (kind) {
    case 'there':
      return done
    case 'refused':
      return failed
    case 'under way':
      return undefined
  }
}
