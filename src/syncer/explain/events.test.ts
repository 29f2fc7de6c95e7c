import { expect, test } from 'vitest'
import { frozen } from '../../testing/frozen.ts'
import { eventWords, joinedEvents, type ObjectEvent } from './events.ts'

const event = (uid: string, reason: string, lastTimestamp: string, type = 'Warning') => ({
  metadata: { name: reason },
  involvedObject: { name: 'web', uid },
  reason,
  message: `of ${reason}`,
  type,
  lastTimestamp,
})
const web = frozen({ metadata: { name: 'web', uid: 'u1' } })
const reasons = (events: readonly ObjectEvent[]) => events.map(({ reason }) => reason)

test('what was said of this very object, newest first', () => {
  const events = frozen([
    event('u1', 'Old', '2026-01-01T00:00:00Z'),
    event('u0', 'Other', '2026-01-02T00:00:00Z'),
    event('u1', 'New', '2026-01-03T00:00:00Z'),
  ])
  expect(reasons(eventWords('tenant', events, web))).toEqual(['New', 'Old'])
})

test('a kubelet says the name of its node for the UID', () => {
  expect(reasons(eventWords('tenant', frozen([event('web', 'NodeReady', '')]), web))).toEqual(['NodeReady'])
})

test('of many only the newest', () => {
  const many = Array.from({ length: 30 }, (_, index) => event('u1', `R${index}`, `2026-01-01T00:00:${10 + index}Z`))
  expect(reasons(eventWords('tenant', frozen(many), web))).toHaveLength(10)
  expect(reasons(eventWords('tenant', frozen(many), web))[0]).toBe('R29')
})

test("of super's words those that did not come up, and warn", () => {
  const tenant = eventWords('tenant', frozen([event('u1', 'Both', '')]), web)
  const above = eventWords(
    'super',
    frozen([event('u1', 'Both', ''), event('u1', 'Below', ''), event('u1', 'Fine', '', 'Normal')]),
    web,
  )
  expect(joinedEvents(tenant, above).map(({ side, reason }) => `${side} ${reason}`)).toEqual(['tenant Both', 'super Below'])
})
