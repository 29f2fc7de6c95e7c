import type { Command, Option } from 'commander'
import { codeOf } from './markdown.ts'

/** A command line of `berth` that a page shows. */
export interface ShownCommand {
  readonly line: number
  /** Words after `berth`. */
  readonly words: readonly string[]
  /** One to paste: all that it needs has to be there. In a text, a command may be named by its first words. */
  readonly whole: boolean
}

/** Words of a piece of shell, with the signs that end a command as words of their own. Quotes keep together, comments go. */
const shellWords = (text: string): readonly string[] => {
  const pieces = text.matchAll(/\s(?:#.*)|^#.*|((?:'[^']*'|"[^"]*"|\$\([^)]*\)|<\([^)]*\)|\\.|[^\s'"|;&<>()\\])+)|([|;&<>()]+)/gm)
  return [...pieces].flatMap(([, word, sign]) => word?.replace(/^(['"])(.*)\1$/, '$2') ?? sign ?? [])
}

const isSign = (word: string): boolean => /^[|;&<>()]+$/.test(word)

/** Command lines of `berth` in a piece of shell; within `$(...)` and `<(...)` too. */
const commandsIn = (text: string): readonly (readonly string[])[] => {
  const inner = [...text.matchAll(/[$<]\(([^)]*)\)/g)].flatMap(([, within = '']) => commandsIn(within))
  const words = shellWords(text)
  const own = words.flatMap((word, at) => {
    const begins = at === 0 || isSign(words[at - 1] ?? '') || /^[A-Z_]+=/.test(words[at - 1] ?? '')
    const kubectl = begins && word === 'kubectl' && words[at + 1] === 'berth'
    if (!kubectl && !(begins && word === 'berth')) return []
    const rest = words.slice(at + (kubectl ? 2 : 1))
    const end = rest.findIndex(isSign)
    return [end < 0 ? rest : rest.slice(0, end)]
  })
  return [...own, ...inner]
}

/** Command lines of `berth` that a page shows, in blocks of shell and in its text. */
export const commandsOf = (page: string): readonly ShownCommand[] => {
  const { blocks, inline } = codeOf(page)
  const pasted = blocks
    .filter(({ language }) => language === 'sh' || language === 'bash')
    .flatMap(({ text, line }) => {
      const lines = text.replaceAll('\\\n', '\u0000').split('\n')
      return lines.flatMap((each, index) =>
        commandsIn(each.replaceAll('\u0000', ' ')).map((words) => ({ words, line: line + index, whole: true })),
      )
    })
  const named = inline.flatMap(({ text, line }) => commandsIn(text).map((words) => ({ words, line, whole: false })))
  return [...pasted, ...named]
}

/** Options of a command and of those above it. */
const optionsOf = (command: Command): readonly Option[] => [
  ...command.options,
  ...(command.parent ? optionsOf(command.parent) : []),
]

/** What does not fit the command tree in a command line that a page shows; undefined when all does. */
export const faultOf = ({ words, whole }: ShownCommand, program: Command): string | undefined => {
  let command = program
  let given = 0
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '--' || word === '...') break
    if (word.startsWith('-') && word !== '-') {
      const [name = ''] = word.split('=', 1)
      const option = optionsOf(command).find(({ short, long }) => name === short || name === long)
      if (name === '--help' || name === '-h') return undefined
      if (!option) return `${nameOf(command)} has no option ${name}`
      if (option.required && !word.includes('=')) at += 1
      continue
    }
    const below = command.commands.find((each) => each.name() === word || each.aliases().includes(word))
    if (below) command = below
    else if (command.commands.length > 0) return `${nameOf(command)} has no command ${word}`
    else given += 1
  }
  const places = command.registeredArguments
  if (!places.some(({ variadic }) => variadic) && given > places.length && !words.includes('--'))
    return `${nameOf(command)} takes ${places.length} words, not ${given}`
  if (!whole) return undefined
  if (command.commands.length > 0) return `${nameOf(command)} needs a command`
  const needed = places.filter(({ required }) => required).length
  return given < needed ? `${nameOf(command)} needs ${needed} words, not ${given}` : undefined
}

const nameOf = (command: Command): string => (command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name())
