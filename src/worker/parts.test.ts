import { expect, test } from 'vitest'
import { createParts, type Part } from './parts.ts'

const aPart = (name: string, told: string[], start: () => Promise<void> = async () => {}): Part => ({
  name,
  start: async () => {
    told.push(`${name} starts`)
    await start()
  },
  stop: async () => void told.push(`${name} stops`),
})

test('parts start in their order and stop in the reverse one', async () => {
  const told: string[] = []
  const parts = createParts([aPart('a', told), aPart('b', told)])
  await parts.start()
  expect(told).toEqual(['a starts', 'b starts'])
  await parts.stop()
  expect([...new Set(told.slice(2))]).toEqual(['b stops', 'a stops'])
})

test('stopped while one starts: it is stopped, and the next never starts', async () => {
  const told: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const parts = createParts([aPart('a', told, () => promise), aPart('b', told)])
  const starting = parts.start()
  const stopping = parts.stop()
  resolve()
  await Promise.all([starting, stopping])
  expect(told).not.toContain('b starts')
  expect(told.at(-1)).toBe('a stops')
})

test('what fails to start is told to who starts, and stopped', async () => {
  const told: string[] = []
  const parts = createParts([aPart('a', told), aPart('b', told, () => Promise.reject(new Error('no')))])
  await expect(parts.start()).rejects.toThrow('no')
  await parts.stop()
  expect(told).toContain('b stops')
  expect(told).toContain('a stops')
})
