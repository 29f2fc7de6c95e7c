import type { Said } from '../../hack/leaks.ts'
import { type BerthClient, type ClientOptions, createClient } from '../../src/client/index.ts'

const answers: Said[] = []

/** All that the HTTP API has answered in this story, without what it is asked for: the credentials that are told once, to who made them. */
export const apiAnswers = (): readonly Said[] => answers

/** Fields that hold a credential because that is what was asked for, by the end of the path. */
const issued: readonly (readonly [path: RegExp, field: string])[] = [
  [/\/kubeconfigs$/, 'kubeconfig'],
  [/\/webhooks$/, 'secret'],
  [/\/rotate-secret$/, 'secret'],
  [/\/api-keys$/, 'key'],
]

const withoutIssued = (path: string, text: string): string => {
  const field = issued.find(([end]) => end.test(path))?.[1]
  if (field === undefined) return text
  const { [field]: _issued, ...rest } = JSON.parse(text) as Record<string, unknown>
  return JSON.stringify(rest)
}

/** Of the answer as it came: its status, headers and body, good or bad. A stream of events has no end to wait for. */
const remember = async (method: string, address: string, answer: Response): Promise<void> => {
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) return
  const { pathname } = new URL(address)
  const body = await answer.clone().text()
  const told = method === 'POST' && answer.ok ? withoutIssued(pathname, body) : body
  const text = `${answer.status} ${JSON.stringify([...answer.headers])} ${told}`
  answers.push({ place: `the API's answer to ${method} ${pathname}`, text })
}

/** A client of the HTTP API whose answers are searched for secrets after the story. */
export const openApi = (options: Omit<ClientOptions, 'fetch'>): BerthClient =>
  createClient({
    ...options,
    fetch: async (address, init) => {
      const answer = await fetch(address, init)
      await remember(init?.method ?? 'GET', address instanceof Request ? address.url : new URL(address).href, answer)
      return answer
    },
  })
