import { afterAll } from 'vitest'
import { expectNoLeaks } from './no-leaks.ts'

// Of every story, after its own end. A story that took the cluster away, or Berth, has nothing left to look at.
afterAll(async () => {
  await expectNoLeaks().catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith('secrets were told')) throw error
    console.log(`no look for secrets: ${error instanceof Error ? error.message.split('\n', 1)[0] : String(error)}`)
  })
})
