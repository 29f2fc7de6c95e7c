/** Chance that is the same each time for one seed. */
export interface Chance {
  /** From 0 up to, and without, 1. */
  next(): number
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  /** One of these. @throws when there are none. */
  oneOf<T>(items: readonly T[]): T
  /** The same in another order. */
  shuffled<T>(items: readonly T[]): T[]
}

const word = 0x1_0000_0000

/** A number from 0 to 2^32-1 that any change of the text changes. */
const hashOf = (text: string): number => {
  let hash = 0x9e37_79b9
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x85eb_ca6b)
    hash ^= hash >>> 13
  }
  return hash >>> 0
}

/** `name` tells sources of one seed apart: who asks one more often than before changes nothing for the others. */
export const chanceOf = (seed: number, name: string): Chance => {
  let state = hashOf(`${seed}/${name}`)
  const next = (): number => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / word
  }
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    between,
    oneOf: (items) => {
      const item = items[between(0, items.length - 1)]
      if (item === undefined) throw new Error('there is nothing to choose from')
      return item
    },
    shuffled: (items) =>
      items
        .map((item) => ({ item, place: next() }))
        .sort((a, b) => a.place - b.place)
        .map(({ item }) => item),
  }
}

/** Deals items out by chance, each once before any comes again: a short run meets as many kinds as it can. */
export const deckOf = <T>(chance: Chance, items: readonly T[]): (() => T) => {
  let left: T[] = []
  return () => {
    if (left.length === 0) left = chance.shuffled(items)
    const item = left.pop()
    if (item === undefined) throw new Error('there is nothing to deal out')
    return item
  }
}
