import { isOlder } from '../src/kube/resource-version.ts'

/** What an object says, in one line; null when it is not there. */
export type Content = string | null

/**
 * What may be stored under one key. The first is what the last answer said; each one after it is a write whose answer was lost. Each write is bound to
 * the resourceVersion, or to the absence, that its writer saw: so one that was overtaken by a later write that was answered can never be stored after it.
 */
export interface Known {
  readonly possible: readonly [Content, ...Content[]]
  /** resourceVersion of the last write that was answered. */
  readonly version?: string
}

/** Nothing was ever written there. */
export const unwritten: Known = { possible: [null] }

/** A write was answered with success. */
export const acknowledged = (content: Content, version?: string): Known => ({
  possible: [content],
  ...(version !== undefined && { version }),
})

/** A write was sent, and no answer says what became of it. */
export const uncertain = (known: Known, content: Content): Known => ({ ...known, possible: [...known.possible, content] })

/** True when the content is one that may be there. */
export const mayBe = ({ possible }: Known, content: Content): boolean => possible.includes(content)

/** What a read tells: writes before the one that is seen are of the past. Of a read that nothing explains, nothing is learnt. */
export const seen = (known: Known, content: Content): Known => {
  const [first, ...rest] = known.possible.slice(Math.max(0, known.possible.indexOf(content)))
  return first === undefined ? known : { ...known, possible: [first, ...rest] }
}

/** True while a lost answer leaves more than one possibility. */
export const isUnsure = ({ possible }: Known): boolean => possible.length > 1

/** An object as it is stored. */
export interface Stored {
  readonly content: Content
  readonly version?: string
}

/** A key and all that was written there. */
export interface Entry {
  readonly kind: string
  readonly name: string
  readonly known: Known
}

/** Something that must not be. */
export interface Finding {
  readonly what: 'lost' | 'came-back' | 'other-content' | 'older' | 'never-written'
  readonly object: string
  readonly detail: string
}

const short = (content: Content): string => (content === null ? 'absent' : content.slice(0, 120))
const wordsOf = ({ possible }: Known): string => possible.map(short).join(' or ')

/** Compares one key with what is stored there; undefined when all is well. */
export const findingOf = ({ kind, name, known }: Entry, stored: Stored): Finding | undefined => {
  const object = `${kind}/${name}`
  if (!mayBe(known, stored.content)) {
    const what = stored.content === null ? 'lost' : known.possible.every((each) => each === null) ? 'came-back' : 'other-content'
    return { what, object, detail: `written: ${wordsOf(known)}; stored: ${short(stored.content)}` }
  }
  if (isOlder(stored.version, known.version))
    return { what: 'older', object, detail: `a write was answered with version ${known.version}; stored: ${stored.version}` }
  return undefined
}

/** Compares all keys of a tenant with all that is stored. Keys of `stored`: `kind/name`. Pure. */
export const findingsOf = (entries: readonly Entry[], stored: ReadonlyMap<string, Stored>): Finding[] => {
  const written = new Set(entries.map(({ kind, name }) => `${kind}/${name}`))
  const strangers = [...stored.keys()].filter((object) => !written.has(object))
  return [
    ...entries.flatMap((entry) => findingOf(entry, stored.get(`${entry.kind}/${entry.name}`) ?? { content: null }) ?? []),
    ...strangers.map((object) => ({ what: 'never-written' as const, object, detail: 'nobody has written it' })),
  ]
}
