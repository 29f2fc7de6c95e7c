import type { ComparedSpec, Comparison } from './compare.ts'

/** What was run, for the head of a report. */
export interface RunFacts {
  /** For example `[Conformance]`. */
  readonly title: string
  readonly superVersion: string
  readonly tenantVersion: string
  /** Day of the run, `YYYY-MM-DD`. */
  readonly date: string
  readonly machine: string
  readonly minutes: number
}

/** Why a spec that super passes does not pass in a tenant: the first cause whose pattern its name matches. */
export interface Cause {
  readonly pattern: string
  readonly cause: string
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

const causeOf = ({ name }: ComparedSpec, causes: readonly Cause[]): string =>
  causes.find(({ pattern }) => new RegExp(pattern).test(name))?.cause ?? 'not explained yet'

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
]

/** One section of docs/conformance.md. */
export const section = (
  facts: RunFacts,
  { specs, worse, neither, unknown, passed }: Comparison,
  causes: readonly Cause[],
): string =>
  [
    `## ${facts.title}: tenant ${facts.tenantVersion} on super ${facts.superVersion}`,
    '',
    `${facts.date}, ${facts.machine}, ${facts.minutes} minutes. Of ${specs.length} specs ${passed} passed in the tenant, ${worse.length} pass in super only, ${neither.length} pass in neither${unknown.length > 0 ? `, ${unknown.length} were not reached in super` : ''}.`,
    '',
    ...(worse.length === 0
      ? ['Every spec that passes in super passes in the tenant.']
      : table(
          ['Passes in super only', 'In the tenant', 'In a privileged tenant', 'Cause'],
          worse.map((spec) => [spec.name, spec.tenant, spec.privileged ?? 'not run', causeOf(spec, causes)]),
        )),
    '',
    ...(neither.length === 0
      ? []
      : [
          ...table(
            ['Passes in neither', 'Tenant', 'Super', 'What the spec says'],
            neither.map((spec) => [spec.name, spec.tenant, spec.super ?? 'not run', spec.why ?? '']),
          ),
          '',
        ]),
    ...(unknown.length === 0
      ? []
      : [
          ...table(
            ['Not reached in super', 'Tenant', 'Cause'],
            unknown.map((spec) => [spec.name, spec.tenant, causeOf(spec, causes)]),
          ),
          '',
        ]),
  ].join('\n')

const preface = `# Conformance

The tests of Kubernetes itself (\`e2e.test\`), in a tenant with default settings. What does not pass there is run in the super cluster, and what passes in super only once more in a
tenant with \`isolation.podSecurity: privileged\`, which tells what the default isolation refuses from what is not there. Images are built here under their official names;
of registries nodes reach the local cluster's own, which has these (runs before November 24, 2026 had none). Written by \`make conformance\` (\`FOCUS=\`, \`SHARD=\`, \`VERSION=\`).
`

const headOf = (text: string): string => text.slice(0, text.indexOf('\n'))

/** The report with this section in the place of an earlier one of the same headline, or at the end. */
export const withSection = (report: string | undefined, text: string): string => {
  const [, ...sections] = (report ?? '').split(/^(?=## )/m)
  const head = headOf(text)
  const kept = sections.map((other) => (headOf(other) === head ? text : other))
  return [preface, ...(kept.includes(text) ? kept : [...kept, text])]
    .map((part) => part.trim())
    .join('\n\n')
    .concat('\n')
}
