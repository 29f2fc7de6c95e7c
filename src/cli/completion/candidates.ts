import type { Command, Option } from 'commander'

/** What may stand in a place, by name: the source of live candidates. */
export type Wanted =
  | { readonly kind: 'names'; readonly of: string }
  | { readonly kind: 'choices'; readonly choices: readonly Candidate[] }
  | { readonly kind: 'files' }
  | { readonly kind: 'nothing' }

export interface Candidate {
  readonly word: string
  readonly about?: string
}

/** What is known of a command line before its last word. */
export interface Place {
  /** What the last word may be. */
  readonly wanted: Wanted
  /** In front of each candidate: `--output=`. */
  readonly before: string
  /** Options that were given, by their long name without dashes. */
  readonly options: Readonly<Record<string, string>>
  /** Arguments that were given before, by their names in the usage. */
  readonly given: Readonly<Record<string, string>>
}

const nothing: Wanted = { kind: 'nothing' }

const choices = (words: readonly string[]): Wanted => ({ kind: 'choices', choices: words.map((word) => ({ word })) })

/** `-o, --output <format>`: format. */
const valueName = ({ flags }: Pick<Option, 'flags'>): string => /[<[](.+?)[\]>]/.exec(flags)?.[1] ?? ''

/** What a value of this name in the usage can be. */
const wantedBy = (name: string, given: readonly string[] | undefined): Wanted => {
  if (given) return choices(given)
  return name === 'file' ? { kind: 'files' } : { kind: 'names', of: name }
}

const takesValue = ({ required, optional }: Option): boolean => required || optional

const findOption = (command: Command, word: string): Option | undefined =>
  command.options.find(({ short, long }) => word === short || word === long)

const subcommandsOf = (command: Command): readonly Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ word: each.name(), about: each.description() }))

const optionsOf = (command: Command, given: ReadonlySet<Option>): readonly Candidate[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => !given.has(option) || option.parseArg !== undefined)
    .map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description }))

/** Pure: what the last of the words after the program's name may become, as the command tree has it. */
export const placeOf = (program: Command, words: readonly string[]): Place => {
  const last = words.at(-1) ?? ''
  let command = program
  let argumentsSeen = 0
  let isOver = false
  let open: Option | undefined
  const options: Record<string, string> = {}
  const given: Record<string, string> = {}
  const seen = new Set<Option>()
  const place = (wanted: Wanted, before = ''): Place => ({ wanted, before, options, given })
  const note = (option: Option, value: string): void => {
    options[option.long?.replace(/^--/, '') ?? ''] = value
  }

  for (const word of words.slice(0, -1)) {
    if (open) {
      note(open, word)
      open = undefined
    } else if (word === '--' && !isOver) isOver = true
    else if (word.startsWith('-') && !isOver) {
      const [flag = '', value] = word.split(/=(.*)/s)
      const option = findOption(command, flag)
      if (!option) continue
      seen.add(option)
      if (value !== undefined) note(option, value)
      else if (takesValue(option)) open = option
      else note(option, 'true')
    } else {
      const next =
        argumentsSeen === 0 ? command.commands.find((each) => each.name() === word || each.aliases().includes(word)) : undefined
      if (next) command = next
      else {
        const argument = command.registeredArguments[argumentsSeen]
        if (argument) given[argument.name()] = word
        argumentsSeen += 1
      }
    }
  }
  if (open) return place(wantedBy(valueName(open), open.argChoices))
  if (last.startsWith('-') && !isOver) {
    const [flag = '', value] = last.split(/=(.*)/s)
    const option = value === undefined ? undefined : findOption(command, flag)
    if (option) return place(wantedBy(valueName(option), option.argChoices), `${flag}=`)
    return place({ kind: 'choices', choices: optionsOf(command, seen) })
  }
  const isNoun = command.commands.length > 0
  if (isNoun) return place(argumentsSeen === 0 ? { kind: 'choices', choices: subcommandsOf(command) } : nothing)
  const argument = command.registeredArguments[argumentsSeen] ?? command.registeredArguments.findLast(({ variadic }) => variadic)
  if (!argument) return place(nothing)
  // What comes after connect is somebody else's command line.
  if (argument.variadic) return place({ kind: 'files' })
  return place(wantedBy(argument.name(), argument.argChoices))
}
