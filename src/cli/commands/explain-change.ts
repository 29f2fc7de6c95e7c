import { openAccess } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost, ExplainedEffect, ExplainedTenant } from '../host.ts'
import { isForPeople } from '../output-formats.ts'
import { colour, resultText } from '../print.ts'
import { readInput } from '../read-input.ts'
import type { OutputOptions } from './tenants.ts'

export interface ExplainOptions extends OutputOptions {
  /** `-`: standard input. */
  readonly filename: string
}

const detailOf = ({ detail, meanwhile }: ExplainedEffect): string => [detail, meanwhile].filter(Boolean).join('; ')
const columns = ['TENANT', 'OBJECT', 'EFFECT', 'DETAIL']
const rowsOf = ({ name, effects }: ExplainedTenant): string[][] =>
  effects.map((effect) => [name, effect.object, effect.effect, detailOf(effect)])

const ending = ({ effects }: ExplainedTenant): readonly ExplainedEffect[] => effects.filter(({ endsPods }) => endsPods)

/** One line for people, after the table. */
export const verdictOf = (tenant: ExplainedTenant): string => {
  const { name, isNew, refusals, effects } = tenant
  if (refusals.length > 0) return `tenant ${name}: refused: ${refusals.join(' | ')}`
  if (effects.length === 0) return `tenant ${name}: nothing would change`
  if (isNew) return `tenant ${name}: is new, and would be made`
  const ended = ending(tenant)
  return ended.length === 0
    ? `tenant ${name}: nothing would start anew`
    : `tenant ${name}: ${ended.map(({ object, effect }) => `${object} ${effect}`).join(', ')}`
}

const exitCodeFor = (tenants: readonly ExplainedTenant[]): ExitCode => {
  if (tenants.some(({ refusals }) => refusals.length > 0)) return exitCodes.failed
  return tenants.some((tenant) => ending(tenant).length > 0) ? exitCodes.differs : exitCodes.done
}

/** Says what applying a file would do to tenants, in the order in which it would happen. Writes nothing. */
export const explainChange = async (options: ExplainOptions, host: CliHost): Promise<ExitCode> => {
  const text = await readInput(options.filename, host)
  const { client, namespace } = await openAccess(options, host.env)
  try {
    const input = { text, namespace, isForced: options.namespace !== undefined, signal: host.signal }
    const tenants = await host.explainChange(input, client)
    host.stdout.write(
      resultText(
        {
          data: { tenants },
          names: tenants.flatMap((tenant) => ending(tenant).map(({ object }) => `${tenant.namespace}/${tenant.name} ${object}`)),
          columns,
          rows: tenants.flatMap(rowsOf),
        },
        options.output,
      ),
    )
    const code = exitCodeFor(tenants)
    if (isForPeople(options.output)) {
      const style = code === exitCodes.done ? 'green' : code === exitCodes.differs ? 'yellow' : 'red'
      const said = tenants.map(verdictOf).join('\n')
      host.stderr.write(`${colour(style, said, { isTTY: host.stderr.isTTY, env: host.env })}\n`)
    }
    return code
  } finally {
    await client.close()
  }
}
