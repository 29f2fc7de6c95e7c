import { apiSettings } from '../../src/bin/settings/api.ts'
import { managerSettings } from '../../src/bin/settings/manager.ts'
import { syncerSettings } from '../../src/bin/settings/syncer.ts'
import { tracingVariables } from '../../src/bin/settings/tracing.ts'
import { agentSettings } from '../../src/bin/settings/vn-agent.ts'
import { workerSettings } from '../../src/bin/settings/worker.ts'
import { commonSettings, defaultOf, isRequired, type Setting, type Settings } from '../../src/lib/config.ts'

/** Settings of each process, in the order of the page. */
export const settingsOf: Readonly<Record<string, Settings>> = {
  manager: managerSettings,
  syncer: syncerSettings,
  'vn-agent': agentSettings,
  api: apiSettings,
  worker: workerSettings,
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const code = (text: string | undefined): string => (text === undefined ? '' : `\`${cell(text)}\``)

const defaultText = (setting: Setting): string => (isRequired(setting) ? 'has to be given' : code(defaultOf(setting)))

const row = (setting: Setting): string =>
  `| ${code(setting.env)} | ${code(setting.flag && `--${setting.flag}`)} | ${defaultText(setting)} | ${cell(setting.help)} |`

const table = (settings: readonly Setting[]): string =>
  ['| Variable | Flag | Default | Meaning |', '|---|---|---|---|', ...settings.map(row)].join('\n')

const shared = new Set<Setting>(Object.values(commonSettings))

/** The reference page of the settings of all processes. */
export const configurationPage = (notice: string): string => {
  const own = Object.entries(settingsOf).map(
    ([process, settings]) =>
      `## ${process}\n\n${table(Object.values<Setting>(settings).filter((setting) => !shared.has(setting)))}`,
  )
  return `<!-- ${notice} -->
# Configuration

Each process takes its settings from flags and from the environment; a flag wins, and an empty value counts as none. What is wrong is told all at once, without the values, and the process ends with
exit code 2. \`--help\` lists the same. A setting without a flag is one that is no business of a command line. \`berth\` itself has [its options](cli.md); what a tenant is made of is in
[its object](tenantcontrolplane.md), not here.

## Every process

${table([...shared])}

${own.join('\n\n')}

## Traces

The variables of OpenTelemetry, of manager, syncer and api; [what is traced](../how-to/traces.md). None is read when no endpoint is named.

| Variable | Meaning |
|---|---|
${tracingVariables.map(([name, meaning]) => `| \`${name}\` | ${cell(meaning)} |`).join('\n')}
`
}
