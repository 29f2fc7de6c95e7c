import { expect, test } from 'vitest'
import { HeldUp } from './held-up.ts'

test('who waits for an address is given once, each one time', () => {
  const heldUp = new HeldUp()
  heldUp.add('10.96.4.7', 'services/shop/a')
  heldUp.add('10.96.4.7', 'services/shop/b')
  heldUp.add('10.96.4.7', 'services/shop/a')
  heldUp.add('10.96.4.8', 'services/shop/a')
  expect([...heldUp.take('10.96.4.7')]).toEqual(['services/shop/a', 'services/shop/b'])
  expect([...heldUp.take('10.96.4.7')]).toEqual([])
  expect([...heldUp.take('10.96.4.8')]).toEqual(['services/shop/a'])
  expect([...heldUp.take('10.96.4.9')]).toEqual([])
})

test('it does not grow without end, and has room again when addresses are free', () => {
  const heldUp = new HeldUp()
  for (let index = 0; index < 2_000; index += 1) heldUp.add('10.96.4.7', `services/shop/s${index}`)
  heldUp.add('10.96.4.8', 'services/shop/late')
  expect(heldUp.take('10.96.4.7').size).toBe(1_000)
  expect(heldUp.take('10.96.4.8').size).toBe(0)
  heldUp.add('10.96.4.8', 'services/shop/late')
  expect(heldUp.take('10.96.4.8').size).toBe(1)
})
