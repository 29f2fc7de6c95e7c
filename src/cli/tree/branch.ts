import type { Command } from 'commander'
import type { CliHost } from '../host.ts'

/** What the tree may do: run the command that was chosen. */
export interface TreeDeps {
  /** Runs a command, whose number is the exit code of the program. Its code is imported inside, so that it is loaded when it runs. */
  readonly run: (command: (host: CliHost) => Promise<number>) => Promise<void>
}

/** Adds a noun and its verbs to the program. Loads no command: `--help` and completion stay quick. */
export type Branch = (program: Command, deps: TreeDeps) => void
