import { checks } from '../../isolation/checks/index.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import type { OutputFormat } from '../output-formats.ts'
import { resultText } from '../print.ts'

/** Lists the checks, those of the benchmarks first. Asks no cluster. */
export const isolationChecks = async ({ output }: { readonly output: OutputFormat }, host: CliHost): Promise<ExitCode> => {
  const listed = checks.map(({ id, title, category, origin }) => ({ id, title, category, origin }))
  host.stdout.write(
    resultText(
      {
        data: { checks: listed },
        names: listed.map(({ id }) => id),
        columns: ['ID', 'ORIGIN', 'CATEGORY', 'CHECK'],
        rows: listed.map(({ id, title, category, origin }) => [id, origin, category, title]),
      },
      output,
    ),
  )
  return exitCodes.done
}
