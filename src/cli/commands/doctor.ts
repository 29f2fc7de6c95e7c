import type { KubeClient } from '../../kube/client.ts'
import { openAccess, openSuper, type SuperOptions } from '../access.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import type { CliHost, DoctorFinding } from '../host.ts'
import { isForPeople } from '../output-formats.ts'
import { colour, resultText, type Tabular } from '../print.ts'
import type { OutputOptions } from './tenants.ts'

const affected = ({ tenants }: DoctorFinding): string =>
  tenants.length > 3 ? `${tenants.slice(0, 3).join(' ')} and ${tenants.length - 3} more` : tenants.join(' ')

const tableOf = (findings: readonly DoctorFinding[], tenantsOf: (finding: DoctorFinding) => string): Tabular => ({
  columns: ['WHAT', 'STATE', 'CAUSE', 'TENANTS', 'MESSAGE'],
  rows: findings.map((finding) => [finding.subject, finding.severity, finding.cause, tenantsOf(finding), finding.message]),
})

/** Says what is wrong with Berth and its tenants, each cause once; the first one explains most. Writes nothing. */
export const doctor = async (
  name: string | undefined,
  options: OutputOptions & SuperOptions,
  host: CliHost,
): Promise<ExitCode> => {
  const { client, namespace } = await openAccess(options, host.env)
  let superClient: KubeClient | undefined
  try {
    superClient = await openSuper(options, host.env)
    const tenant = name === undefined ? {} : { tenant: { name, namespace } }
    const findings = await host.diagnose(
      { ...tenant, now: new Date(host.now()), signal: host.signal },
      { management: client, superClient },
    )
    host.stdout.write(
      resultText(
        {
          data: { findings },
          names: findings.map(({ subject, cause }) => `${subject}: ${cause}`),
          ...tableOf(findings, affected),
          wide: tableOf(findings, ({ tenants }) => tenants.join(' ')),
        },
        options.output,
      ),
    )
    const wrong = findings.filter(({ severity }) => severity !== 'waiting')
    if (isForPeople(options.output)) {
      const [first] = wrong
      const said = first ? `${first.subject}: ${first.cause}: ${first.message}` : 'nothing is wrong'
      host.stderr.write(`${colour(first ? 'red' : 'green', said, { isTTY: host.stderr.isTTY, env: host.env })}\n`)
    }
    return wrong.length > 0 ? exitCodes.differs : exitCodes.done
  } finally {
    await Promise.all([client.close(), superClient?.close()])
  }
}
