import type { Command } from 'commander'
import { exitCodes } from '../exit-codes.ts'
import type { CliHost } from '../host.ts'
import { type Candidate, placeOf, type Wanted } from './candidates.ts'

/** Somebody has pressed a key and waits. */
const usualSeconds = 2

/** BERTH_COMPLETION_SECONDS, for clusters that are far away. */
const deadlineMs = ({ env }: Pick<CliHost, 'env'>): number => {
  const asked = Number(env['BERTH_COMPLETION_SECONDS'])
  return 1000 * (asked > 0 && asked <= 600 ? asked : usualSeconds)
}

/** Of cobra, which kubectl asks its plugins by. */
const directives = { files: ':0', nothingElse: ':4' } as const

const candidatesOf = async (
  wanted: Wanted,
  place: { readonly options: Readonly<Record<string, string>>; readonly given: Readonly<Record<string, string>> },
  host: CliHost,
): Promise<readonly Candidate[]> => {
  switch (wanted.kind) {
    case 'choices':
      return wanted.choices
    case 'names': {
      const { liveNames } = await import('./live-names.ts')
      return liveNames(wanted.of, place, host)
    }
    case 'files':
    case 'nothing':
      return []
  }
}

/** One line each, whatever stands in a description. */
const lineOf = ({ word, about }: Candidate): string =>
  about === undefined || about === '' ? word : `${word}\t${about.replaceAll(/\s+/g, ' ')}`

/**
 * Prints what the last word can become, a line each, and how to go on. What cannot be asked in time, or at all, is no candidate: a shell that completes is no place
 * for errors.
 */
export const completeWords = async (
  words: readonly string[],
  { program, host }: { readonly program: Command; readonly host: CliHost },
): Promise<number> => {
  const { wanted, before, options, given } = placeOf(program, words)
  const last = (words.at(-1) ?? '').slice(before.length)
  const signal = AbortSignal.any([host.signal, AbortSignal.timeout(deadlineMs(host))])
  const candidates = await candidatesOf(wanted, { options, given }, { ...host, signal }).catch(() => [])
  const lines = candidates
    .filter(({ word }) => word.startsWith(last))
    .map((each) => lineOf({ ...each, word: `${before}${each.word}` }))
  host.stdout.write([...lines, wanted.kind === 'files' ? directives.files : directives.nothingElse, ''].join('\n'))
  return exitCodes.done
}
