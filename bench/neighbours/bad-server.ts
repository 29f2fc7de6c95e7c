import { hostileAnswers, startHostileServer } from '../../src/testing/hostile-server.ts'
import type { BadServerKind } from './bad-api-server.ts'

// A process of its own: what it says must not take time of whoever measures. Ends with the one that started it.

const [folder, address, kind] = process.argv.slice(2) as [string, string, BadServerKind]
const answers = hostileAnswers('https://elsewhere.invalid')
const silence = answers.filter(([name]) => name === 'says nothing').map(([, answer]) => answer)
const rest = answers.filter(([name]) => name !== 'says nothing').map(([, answer]) => answer)
const turns = kind === 'hung' ? silence : rest

const server = await startHostileServer({ folder }, address)
server.answer = (request, reply) => turns[server.requests.length % turns.length]?.(request, reply)
process.on('message', () => process.send?.({ asked: server.requests.length }))
process.once('disconnect', () => process.exit(0))
process.send?.({ url: server.url })
