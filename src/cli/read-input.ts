import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { AppError, explainError } from '../lib/errors.ts'
import type { CliHost } from './host.ts'

/** Far more than a file of tenants ever has. */
const maxBytes = 16 * 2 ** 20

/** The text of a file, or of standard input for `-`. Throws CONFIG_INVALID. */
export const readInput = async (filename: string, { stdin }: Pick<CliHost, 'stdin'>): Promise<string> => {
  let text: string
  try {
    text = filename === '-' ? await textOf(stdin) : await readFile(filename, 'utf8')
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `cannot read ${filename}: ${explainError(cause)}`, { cause })
  }
  if (text.length > maxBytes) throw new AppError('CONFIG_INVALID', `${filename} has more than ${maxBytes} bytes`, {})
  return text
}
