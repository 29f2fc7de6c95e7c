import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { eventually } from '../testing/eventually.ts'
import { runProcess, type Shutdown } from './process.ts'

const log = pino({ level: 'silent' })
const aHost = () => {
  const emitter = new EventEmitter()
  const exits: number[] = []
  const host = Object.assign(emitter, { exit: (code: number) => void exits.push(code) })
  return {
    exits,
    host: host as unknown as Pick<NodeJS.Process, 'on' | 'off' | 'exit'>,
    emit: (name: string, ...args: unknown[]) => emitter.emit(name, ...args),
  }
}

test('stops its parts in reverse order after a signal, and exits with 0', async () => {
  const { host, emit, exits } = aHost()
  const order: string[] = []
  const running = runProcess(
    async ({ onStop }) => {
      onStop('first', () => void order.push('first'))
      onStop('second', async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        order.push('second')
      })
    },
    { log, host },
  )
  emit('SIGTERM', 'SIGTERM')
  await running
  expect([order, exits]).toEqual([['second', 'first'], [0]])
})

test.for<[name: string, act: (tools: { emit: (name: string, ...args: unknown[]) => unknown; shutdown: Shutdown }) => void]>([
  ['an error that nobody caught', ({ emit }) => emit('unhandledRejection', new Error('x'))],
  ['a part that says so', ({ shutdown }) => shutdown.stop(new Error('leadership lost'))],
])('exits with 1 after %s, with all parts stopped', async ([, act]) => {
  const { host, emit, exits } = aHost()
  const stop = vi.fn<() => void>()
  const { promise, resolve } = Promise.withResolvers<Shutdown>()
  const running = runProcess(
    async (shutdown) => {
      shutdown.onStop('part', stop)
      resolve(shutdown)
    },
    { log, host },
  )
  act({ emit, shutdown: await promise })
  await running
  expect([stop.mock.calls.length, exits]).toEqual([1, [1]])
})

test('stops what had started when the start fails, also past a part that cannot stop', async () => {
  const { host, exits } = aHost()
  const stop = vi.fn<() => void>()
  await runProcess(
    async ({ onStop }) => {
      onStop('good', stop)
      onStop('bad', () => Promise.reject(new Error('cannot stop')))
      throw new Error('no API server')
    },
    { log, host },
  )
  expect([stop.mock.calls.length, exits]).toEqual([1, [1]])
})

test('exits anyway when a part does not stop in time, and at once after a second signal', async () => {
  const { host, emit, exits } = aHost()
  void runProcess(async ({ onStop }) => onStop('stuck', () => new Promise(() => {})), { log, host, stopDeadlineMs: 20 })
  emit('SIGTERM', 'SIGTERM')
  await eventually(() => exits.includes(1))
  emit('SIGINT', 'SIGINT')
  expect(exits).toContain(130)
})
