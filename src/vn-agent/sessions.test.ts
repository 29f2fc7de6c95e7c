import { pino } from 'pino'
import { describe, expect, test, vi } from 'vitest'
import { agentRoute } from './routes.ts'
import { createSessions } from './sessions.ts'

const tenant = { uid: '11111111-2222-3333-4444-555555555555', name: 'acme' }
const other = { ...tenant, uid: '99999999-2222-3333-4444-555555555555' }
const route = (() => {
  const answer = agentRoute('POST', `/exec/shop/web-0/main?command=echo&command=${'x'.repeat(300)}&output=1`)
  if (answer.kind !== 'route') throw new Error('the route was refused')
  return answer.route
})()
const end = { bytesUp: 1, bytesDown: 2, result: 'closed', status: 101 }

const logged = () => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { log, lines }
}

describe('limits', () => {
  test('a tenant has as many sessions as allowed, whatever another has', () => {
    const sessions = createSessions({ perTenant: 2, log: logged().log })
    const first = sessions.open(tenant, route)
    expect(sessions.open(tenant, route).kind).toBe('session')
    expect(sessions.open(tenant, route)).toMatchObject({ kind: 'refused', status: 429 })
    expect(sessions.open(other, route).kind).toBe('session')
    if (first.kind === 'session') first.session.end(end)
    expect(sessions.open(tenant, route).kind).toBe('session')
    expect(sessions.active()).toBe(3)
  })

  test('ending twice frees one place', () => {
    const sessions = createSessions({ perTenant: 1, log: logged().log })
    const first = sessions.open(tenant, route)
    if (first.kind !== 'session') throw new Error('refused')
    first.session.end(end)
    expect(sessions.open(tenant, route).kind).toBe('session')
    first.session.end(end)
    expect(sessions.open(tenant, route).kind).toBe('refused')
  })
})

test('leaves one line with who, what, how much and how long', () => {
  const { log, lines } = logged()
  let now = 1000
  const opened = createSessions({ perTenant: 1, log, now: () => now }).open(tenant, route)
  now = 3500
  if (opened.kind === 'session') opened.session.end(end)
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ tenant: tenant.uid, namespace: 'shop', pod: 'web-0', container: 'main', seconds: 2.5, ...end })
  expect(lines[0]?.['command']).toBe(`echo ${'x'.repeat(195)}`)
})

describe('drain', () => {
  test('waits for sessions to end and opens no new ones', async () => {
    const sessions = createSessions({ perTenant: 5, log: logged().log })
    const opened = sessions.open(tenant, route)
    const drained = sessions.drain(60_000)
    expect(sessions.open(other, route)).toMatchObject({ kind: 'refused', status: 503 })
    if (opened.kind !== 'session') throw new Error('refused')
    expect(opened.session.signal.aborted).toBe(false)
    opened.session.end(end)
    await drained
  })

  test('aborts at the deadline what has not ended', async () => {
    vi.useFakeTimers()
    try {
      const sessions = createSessions({ perTenant: 5, log: logged().log })
      const opened = sessions.open(tenant, route)
      if (opened.kind !== 'session') throw new Error('refused')
      opened.session.signal.addEventListener('abort', () => opened.session.end({ ...end, result: 'aborted' }))
      const drained = sessions.drain(30_000)
      await vi.advanceTimersByTimeAsync(29_999)
      expect(sessions.active()).toBe(1)
      await vi.advanceTimersByTimeAsync(1)
      await drained
      expect(sessions.active()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
