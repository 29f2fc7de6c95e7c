import { createInterface } from 'node:readline/promises'
import { AppError } from '../lib/errors.ts'
import type { CliHost } from './host.ts'

/** Asks on the terminal and gives the line that was typed, without spaces around it. Throws CONFIG_INVALID where nobody can answer. */
export const ask = async (
  question: string,
  { otherwise }: { /** What to do where there is no terminal. */ readonly otherwise: string },
  { stdin, stderr, signal }: Pick<CliHost, 'stdin' | 'stderr' | 'signal'>,
): Promise<string> => {
  if (!stdin.isTTY) throw new AppError('CONFIG_INVALID', `nobody can answer here: ${otherwise}`, {})
  stderr.write(question)
  const lines = createInterface({ input: stdin })
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    // Ctrl-D is an answer too: none.
    return (await Promise.race([lines.question('', { signal }), closed])).trim()
  } finally {
    lines.close()
  }
}
