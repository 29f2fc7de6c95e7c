import { expect, test } from 'vitest'
import { createHeldBytes } from './held-bytes.ts'

test('all holds share a limit, and what is let go makes room', () => {
  const hold = createHeldBytes(1000, 'https://tenant')
  const [first, second] = [hold(), hold()]
  first.add(500)
  second.add(100)
  expect(() => second.add(300)).toThrow('https://tenant: unfinished answers are over 1000 bytes')
  second.letGo()
  second.letGo()
  second.add(200)
  first.letGo()
  second.add(500)
})

test('pieces of a byte weigh more than their byte', () => {
  const pieces = createHeldBytes(6_000, 'https://tenant')()
  expect(() => {
    for (let piece = 0; piece < 100; piece += 1) pieces.add(1)
  }).toThrow(/over 6000 bytes/)
})
