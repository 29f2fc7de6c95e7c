import { parseKubeconfig } from '../../kube/kubeconfig.ts'
import { createKubeClient } from '../../kube/undici-client.ts'
import { type AccessOptions, openAccess, openSuper, type SuperOptions, userAgent } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost, VerifyFinding, VerifyOutcome } from '../host.ts'
import { isForPeople, type OutputFormat } from '../output-formats.ts'
import { colour, resultText, tableText } from '../print.ts'
import { printable } from '../printable.ts'

export interface VerifyOptions extends AccessOptions, SuperOptions {
  readonly output: OutputFormat
  readonly rounds: number
  /** Seconds. */
  readonly every: number
  /** Seconds. */
  readonly settle: number
  readonly refused?: boolean
}

const placeOf = ({ resource, namespace, name }: VerifyFinding): string =>
  namespace === '' ? `${resource}/${name}` : `${resource}/${namespace}/${name}`

const columns = ['DIFFERENCE', 'OBJECT', 'DETAIL']
const rowsOf = (findings: readonly VerifyFinding[]): string[][] =>
  findings.map((finding) => [finding.kind, placeOf(finding), finding.detail])

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** One line for people, after the table. */
export const summaryOf = ({ tenant, differences, moving, refused, compared, roundsTaken, frozen }: VerifyOutcome): string => {
  const verdict =
    differences.length > 0
      ? `${plural(differences.length, 'difference')} stood for every round`
      : moving.length > 0
        ? `${plural(moving.length, 'object')} still changing when the time was over`
        : 'both sides agree'
  const notes = [
    ...(refused.length > 0 ? [`${plural(refused.length, 'object')} refused by policy (--refused lists them)`] : []),
    ...(frozen === undefined ? [] : [`syncing is FROZEN: ${frozen}`]),
  ]
  return [
    `tenant ${tenant.name}: ${plural(compared, 'object')} compared, ${plural(roundsTaken, 'round')}: ${verdict}`,
    ...notes,
  ].join('\n')
}

const exitCodeFor = ({ differences, moving }: VerifyOutcome): ExitCode => {
  if (differences.length > 0) return exitCodes.differs
  return moving.length > 0 ? exitCodes.unsettled : exitCodes.done
}

const print = (outcome: VerifyOutcome, { output, refused }: VerifyOptions, host: CliHost): void => {
  const { differences, moving } = outcome
  host.stdout.write(resultText({ data: outcome, names: differences.map(placeOf), columns, rows: rowsOf(differences) }, output))
  if (!isForPeople(output)) return
  if (moving.length > 0) host.stderr.write(`still changing:\n${tableText(columns, rowsOf(moving))}\n`)
  if (refused)
    for (const finding of outcome.refused) host.stderr.write(`${printable(`refused ${placeOf(finding)}: ${finding.detail}`)}\n`)
  const style = exitCodeFor(outcome) === exitCodes.done ? 'green' : 'red'
  host.stderr.write(`${colour(style, summaryOf(outcome), { isTTY: host.stderr.isTTY, env: host.env })}\n`)
}

/** Compares a tenant's two sides and prints every difference that stands. */
export const verify = async (name: string, options: VerifyOptions, host: CliHost): Promise<ExitCode> => {
  const { client: management, namespace } = await openAccess(options, host.env)
  const clients = [management]
  try {
    const apart = await openSuper(options, host.env)
    if (apart) clients.push(apart)
    const superClient = apart ?? management
    const outcome = await host.verify(
      {
        name,
        namespace,
        rounds: options.rounds,
        everyMs: options.every * 1000,
        settleMs: options.settle * 1000,
        signal: host.signal,
        onRound: (round, differences) => {
          if (differences > 0 && isForPeople(options.output))
            host.stderr.write(`round ${round}: ${plural(differences, 'difference')}, looking again\n`)
        },
      },
      {
        management,
        superClient,
        connect: (kubeconfig) => createKubeClient(parseKubeconfig(kubeconfig), { userAgent }),
      },
    )
    print(outcome, options, host)
    return exitCodeFor(outcome)
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}
