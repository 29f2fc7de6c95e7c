import { expect, test } from 'vitest'
import { type Hibernation, hasWoken, hibernationText, readHibernation } from './hibernation.ts'

test.for<Hibernation>([
  { phase: 'ending', left: 12 },
  { phase: 'ended', left: 0 },
  { phase: 'waking', left: 3 },
])('$phase goes into the Lease and comes out of it', (note) => {
  expect(readHibernation(hibernationText(note))).toEqual(note)
})

test.for([undefined, '', 'ended', 'asleep: 3', 'ending: -1', 'ended: 0 '])('%s is no note', (text) => {
  expect(readHibernation(text)).toBeUndefined()
})

test.for<[text: string | undefined, woken: boolean]>([
  [undefined, true],
  ['waking: 0', true],
  ['waking: 2', false],
  ['ended: 0', false],
  ['ending: 0', false],
])('%s: pods run is %s', ([text, woken]) => {
  expect(hasWoken(readHibernation(text))).toBe(woken)
})
