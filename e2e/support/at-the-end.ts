import { afterAll } from 'vitest'
import { expectNoLeaks, isNothingLeft } from './no-leaks.ts'

// Of every story, after its own end. What cannot be searched counts as a leak, unless the story took the cluster away, or Berth.
afterAll(async () => {
  if (await isNothingLeft()) console.log('no look for secrets: there is no cluster with Berth any more')
  else await expectNoLeaks()
})
