import { constants } from 'node:os'

/** The exit code of what a signal ended, as shells have it: 130 for SIGINT. */
export const exitCodeOfSignal = (signal: NodeJS.Signals): number => 128 + (constants.signals[signal] ?? 0)

/** Why a command was aborted: the process was told to end. */
export class Interrupted extends Error {
  readonly exitCode: number
  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.name = 'Interrupted'
    this.exitCode = exitCodeOfSignal(signal)
  }
}
