import { explainError } from '../src/lib/errors.ts'

/** Runs what a person typed. An error is shown as words, and with its stack when `BERTH_DEBUG` is set; the exit code is then 1. */
export const commandLine = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    console.error(process.env['BERTH_DEBUG'] ? error : `error: ${explainError(error)}`)
    process.exitCode = 1
  }
}
