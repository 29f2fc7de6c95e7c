import { appendFile } from 'node:fs/promises'
import { handle } from '../jobs/job-kind.ts'
import { aKind, openAt, type QueueAddress } from './job-worlds.ts'

// A process that is to be killed while it works: it takes jobs, says so in a file, and never ends one.
const [address = '', begunPath = ''] = process.argv.slice(2)
const kind = aKind()
const handler = handle(kind, async (_payload, { id }) => {
  await appendFile(begunPath, `${id}\n`)
  await new Promise(() => {})
})
const { queue } = await openAt(JSON.parse(address) as QueueAddress, { kinds: [kind], handlers: [handler] })
await queue.start()
