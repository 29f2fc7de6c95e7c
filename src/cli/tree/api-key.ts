import { type Command, InvalidArgumentError } from 'commander'
import type { Branch } from './branch.ts'
import { withManagement, withOutput } from './options.ts'

const days = (text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 3650) return value
  throw new InvalidArgumentError('a whole number from 1 to 3650 is needed')
}
const words = (text: string): readonly string[] => text.split(',').filter(Boolean)

/** `berth api-key`: how the first key is made, by who may write to the management cluster. */
export const apiKeyBranch: Branch = (program, { run }) => {
  const keys: Command = program.command('api-key').description('keys of the HTTP API')
  withManagement(keys.command('create <new-key>'))
    .description('make a key; it goes to stdout, this once')
    .option('--organization <organization>', 'the one organisation that it sees (default: all)')
    .option('--scopes <list>', 'what it may do, with commas between (default: all)', words)
    .option('--expires-in-days <days>', 'when it ends (default: never)', days)
    .action((name: string, options) =>
      run(async (host) => (await import('../commands/api-key.ts')).createKey(name, options, host)),
    )
  withOutput(withManagement(keys.command('list').alias('ls')))
    .description('list keys, without the keys themselves')
    .action((options) => run(async (host) => (await import('../commands/api-key.ts')).listKeys(options, host)))
  withManagement(keys.command('revoke <key>'))
    .description('revoke a key: within a second it opens nothing any more')
    .action((id: string, options) => run(async (host) => (await import('../commands/api-key.ts')).revokeKey(id, options, host)))
}
