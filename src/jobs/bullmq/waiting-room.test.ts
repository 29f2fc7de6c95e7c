import { expect, test } from 'vitest'
import { createWaitingRoom } from './waiting-room.ts'

const never = new AbortController().signal

test('a place goes to the one of the group that has waited longest', async () => {
  const room = createWaitingRoom({ seats: 4, perGroup: 2 })
  const [a, b] = [room.enter('g', 'a'), room.enter('g', 'b')]
  expect(room.next('h')).toBeUndefined()
  const first = room.next('g')
  expect(first?.jobId).toBe('a')
  first?.give()
  expect(await a?.handed(10_000, never)).toBe(true)
  expect(await b?.handed(1, never)).toBe(false)
  b?.leave()
  expect(room.next('g')).toBeUndefined()
})

test('a group has its part of the room, and the room an end', () => {
  const room = createWaitingRoom({ seats: 3, perGroup: 2 })
  const seats = [room.enter('g', 'a'), room.enter('g', 'b'), room.enter('g', 'c'), room.enter('h', 'd'), room.enter('i', 'e')]
  expect(seats.map((seat) => seat !== undefined)).toEqual([true, true, false, true, false])
  seats[0]?.leave()
  seats[0]?.leave()
  expect(room.enter('i', 'e')).toBeDefined()
  expect(room.enter('k', 'f')).toBeUndefined()
})

test('a process that stops lets nobody wait', async () => {
  const stop = new AbortController()
  const seat = createWaitingRoom({ seats: 1, perGroup: 1 }).enter('g', 'a')
  const handed = seat?.handed(60_000, stop.signal)
  stop.abort()
  expect(await handed).toBe(false)
  expect(await seat?.handed(60_000, stop.signal)).toBe(false)
})
