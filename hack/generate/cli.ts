import type { Command, Help, Option } from 'commander'
import { exitCodeMeanings, otherExitCodes } from '../../src/cli/exit-codes.ts'
import { commandTree } from '../../src/cli/program.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** The value that an option has unless it is given, as its help has it. */
const defaultOf = ({ defaultValue, argChoices }: Option): string =>
  [
    ...(argChoices ? [argChoices.join(', ')] : []),
    ...(defaultValue === undefined || typeof defaultValue === 'boolean' ? [] : [`default ${String(defaultValue)}`]),
  ].join('; ')

const optionRow = (option: Option): string => {
  const more = defaultOf(option)
  return `| \`${cell(option.flags)}\` | ${cell(option.description)}${more === '' ? '' : ` (${cell(more)})`} |`
}

/** Texts that were added to a command's help, without the exit codes, which have a table of their own. */
const addedText = (command: Command, help: Help): string => {
  const shown: string[] = []
  // Of one width, wherever this runs.
  command.configureOutput({ writeOut: (text) => void shown.push(text), getOutHelpWidth: () => 80, getOutHasColors: () => false })
  command.outputHelp()
  const [text = ''] = shown.join('').slice(command.createHelp().formatHelp(command, help).length).split('\nExit codes:')
  return text.trim()
}

const pathOf = (command: Command): string => (command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name())

const section = (command: Command): string => {
  const help = command.createHelp()
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help')
  const aliases = command.aliases()
  const added = addedText(command, help)
  return [
    `## ${pathOf(command)}`,
    '',
    '```text',
    `${pathOf(command)} ${command.usage().replace('[options] [command]', '[command]')}`,
    '```',
    '',
    `${sentence(command.description())}${aliases.length > 0 ? ` Also \`${aliases.join('`, `')}\`.` : ''}`,
    '',
    ...(options.length > 0 ? ['| Option | Meaning |', '|---|---|', ...options.map(optionRow), ''] : []),
    ...(added === '' ? [] : ['```text', added, '```', '']),
  ].join('\n')
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

/** Commands that do something, in the order of their help. */
const leavesOf = (command: Command): readonly Command[] => {
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help')
  return below.length === 0 ? [command] : below.flatMap(leavesOf)
}

const codeRows = exitCodeMeanings.flatMap(({ code, general, of = [] }) => [
  ...(general === undefined ? [] : [`| ${code} | any | ${general} |`]),
  ...of.map(([commands, meaning]) => `| ${code} | \`${commands.replaceAll(', ', '`, `')}\` | ${meaning} |`),
])

/** The reference of the command line, from the command tree itself. */
export const cliPage = (notice: string): string => {
  const program = commandTree({ run: async () => {} }, { version: '' })
  return [
    `<!-- ${notice} -->`,
    '# berth',
    '',
    `${program.description()}. \`kubectl berth\` is the same program.`,
    '',
    'Results go to stdout, words about them to stderr. `-o table` is for people and has no promise; `-o wide` has more columns; `json`, `yaml` and `name` are for programs. Colours are for',
    'terminals only, and not under `NO_COLOR`. `berth completion` says how a shell completes commands, options and names.',
    '',
    '## Exit codes',
    '',
    '| Code | Of | Meaning |',
    '|---|---|---|',
    ...codeRows,
    '',
    otherExitCodes.replace('tenant connect', '`$&`'),
    '',
    ...leavesOf(program).map(section),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()
    .concat('\n')
}
