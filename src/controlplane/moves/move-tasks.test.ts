import { expect, test } from 'vitest'
import { AppError } from '../../lib/errors.ts'
import { eventually } from '../../testing/eventually.ts'
import { createMoveTasks } from './move-tasks.ts'

const untilEnded = (tasks: ReturnType<typeof createMoveTasks>) =>
  eventually(() => tasks.state('a', 'Copying').kind !== 'running', { describe: 'the end of the work', everyMs: 1 })

test('work is told while it runs and known when it has ended, for its own phase only', async () => {
  const tasks = createMoveTasks()
  expect(tasks.state('a', 'Copying')).toEqual({ kind: 'absent' })
  let finish = (): void => {}
  tasks.start('a', 'Copying', async (tell) => {
    tell('half of it')
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return { kind: 'done' }
  })
  expect(tasks.state('a', 'Copying')).toEqual({ kind: 'running', message: 'half of it' })
  finish()
  await untilEnded(tasks)
  expect(tasks.state('a', 'Copying')).toMatchObject({ kind: 'done', finding: { kind: 'done' } })
  expect(tasks.state('a', 'Verifying')).toEqual({ kind: 'absent' })
  expect(tasks.state('b', 'Copying')).toEqual({ kind: 'absent' })
})

test.for([
  ['DATA_STORE_UNREACHABLE', true],
  ['DATA_STORE_REFUSED', false],
] as const)('what %s ends may pass: %s', async ([code, isPassing]) => {
  const tasks = createMoveTasks()
  tasks.start('a', 'Copying', async () => {
    throw new AppError(code, 'so', {})
  })
  await untilEnded(tasks)
  expect(tasks.state('a', 'Copying')).toMatchObject({ kind: 'failed', message: 'so', isPassing })
})

test('work that is forgotten, or begun for another phase, is told to end, and stop waits for it', async () => {
  const tasks = createMoveTasks()
  const ended: string[] = []
  const untilAborted = (name: string) => (_: unknown, signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        ended.push(name)
        reject(new Error('aborted'))
      })
    })
  tasks.start('a', 'Copying', untilAborted('copying'))
  tasks.start('a', 'Undoing', untilAborted('undoing'))
  expect(ended).toEqual(['copying'])
  tasks.start('b', 'Copying', untilAborted('other'))
  await tasks.stop()
  expect(ended).toEqual(['copying', 'undoing', 'other'])
  expect(tasks.state('b', 'Copying')).toEqual({ kind: 'absent' })
})
