import { Command, CommanderError, type OutputConfiguration } from 'commander'
import { explainError } from '../lib/errors.ts'
import { exitCodeOf, exitCodes, exitCodesHelp } from './exit-codes.ts'
import type { CliHost } from './host.ts'
import { Interrupted } from './interrupted.ts'
import { printableLines } from './printable.ts'
import type { TreeDeps } from './tree/branch.ts'
import { branches } from './tree/index.ts'

export interface ProgramOptions {
  readonly version: string
  /** As its user calls it: `berth`, or `kubectl berth`. */
  readonly name?: string
  /** Where help and complaints about usage go; default: the streams of the process. */
  readonly output?: OutputConfiguration
}

/** The command tree. Each command's code is loaded when it runs: `--help` and completion stay quick. */
export const commandTree = (deps: TreeDeps, { version, name = 'berth', output = {} }: ProgramOptions): Command => {
  const program = new Command(name)
  program
    .description('A Kubernetes cluster of its own for every tenant')
    .version(version)
    .showHelpAfterError('(--help shows how)')
    .addHelpText('after', exitCodesHelp)
    .enablePositionalOptions()
    .exitOverride()
    // Commands take it over when they are made.
    .configureOutput(output)
  for (const branch of branches) branch(program, deps)
  return program
}

/** Runs one command line. Resolves with the exit code; what went wrong is told on stderr. */
export const runCli = async (
  args: readonly string[],
  host: CliHost,
  options: Omit<ProgramOptions, 'output'>,
): Promise<number> => {
  let code: number = exitCodes.done
  const run: TreeDeps['run'] = async (command) => {
    code = await command(host)
  }
  const output: OutputConfiguration = {
    writeOut: (text) => void host.stdout.write(text),
    writeErr: (text) => void host.stderr.write(text),
  }
  const program = commandTree({ run }, { ...options, output })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    // Whatever else went wrong then came of it.
    const told = host.signal.aborted ? host.signal.reason : error
    host.stderr.write(`berth: ${printableLines(explainError(told))}\n`)
    return told instanceof Interrupted ? told.exitCode : exitCodeOf(told)
  }
}
