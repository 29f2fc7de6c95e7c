import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

const never = new AbortController().signal

test('a tenant has so many at once, and others do not wait for it', async () => {
  const turns = createTurns(2)
  const done: string[] = []
  const gates = new Map<string, () => void>()
  const ask = (uid: string, name: string) =>
    turns.take(
      uid,
      () =>
        new Promise<void>((resolve) => {
          done.push(name)
          gates.set(name, resolve)
        }),
      never,
    )
  const greedy = ['a', 'b', 'c', 'd'].map((name) => ask('greedy', name))
  const modest = ask('modest', 'm')
  await new Promise((resolve) => setImmediate(resolve))
  expect(done).toEqual(['a', 'b', 'm'])
  gates.get('a')?.()
  await greedy[0]
  await new Promise((resolve) => setImmediate(resolve))
  expect(done).toEqual(['a', 'b', 'm', 'c'])
  for (const name of ['b', 'c', 'm']) gates.get(name)?.()
  await modest
  await new Promise((resolve) => setImmediate(resolve))
  gates.get('d')?.()
  await Promise.all(greedy)
  expect(done).toEqual(['a', 'b', 'm', 'c', 'd'])
})

test('who waits no longer leaves the line, and a failure hands the place on', async () => {
  const turns = createTurns(1)
  let fail: (error: Error) => void = () => {}
  const first = turns.take('t', () => new Promise((_, reject) => (fail = reject)), never)
  const leaving = new AbortController()
  const second = turns.take('t', () => Promise.resolve('second'), leaving.signal)
  const third = turns.take('t', () => Promise.resolve('third'), never)
  await new Promise((resolve) => setImmediate(resolve))
  leaving.abort(new Error('gone'))
  await expect(second).rejects.toThrow('gone')
  fail(new Error('broken'))
  await expect(first).rejects.toThrow('broken')
  expect(await third).toBe('third')
  await expect(turns.take('t', () => Promise.resolve(), leaving.signal)).rejects.toThrow('gone')
})
