import { expect, test } from 'vitest'
import { type Hibernation, hibernationText, readHibernation } from './hibernation.ts'

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
