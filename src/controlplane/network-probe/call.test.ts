import { expect, test } from 'vitest'
import { call, callExits, serve } from './call.ts'

const times = { attemptMs: 200, pauseMs: 1, deadlineMs: 400 }

test('who is to be let through says so when it is, and that it did not get there when it is not', async () => {
  const server = await serve(0)
  const wanted = { host: '127.0.0.1', port: server.port, expects: 'open' } as const
  expect(await call(wanted, times)).toBe(callExits.asExpected)
  server.stop()
  expect(await call(wanted, times)).toBe(callExits.unreached)
})

test('who is to be kept out says so when it is, and that it is open when it is not', async () => {
  const server = await serve(0)
  const wanted = { host: '127.0.0.1', port: server.port, expects: 'shut' } as const
  expect(await call(wanted, times)).toBe(callExits.open)
  server.stop()
  expect(await call(wanted, times)).toBe(callExits.asExpected)
})
