import { expect, test } from 'vitest'
import { AppError } from '../lib/errors.ts'
import type { JobQueue } from './job-queue.ts'
import { createQueueDoor } from './queue-door.ts'

const aStore = () => {
  const told: string[] = []
  let isAway = false
  const unused = () => Promise.reject(new Error('not asked here'))
  const queue: JobQueue = {
    start: async () => {
      told.push('start')
      if (isAway) throw new AppError('QUEUE_UNREACHABLE', 'away')
    },
    stop: async () => void told.push('stop'),
    add: unused,
    schedule: unused,
    unschedule: unused,
    schedules: unused,
    list: unused,
    counts: unused,
    epoch: unused,
    retry: unused,
    discard: unused,
  }
  const goAway = (away: boolean) => {
    isAway = away
  }
  return { told, goAway, door: createQueueDoor(async () => queue) }
}

test('a queue is opened when it is asked for, once, and stopped', async () => {
  const { told, door } = aStore()
  expect([door.isOpen, told]).toEqual([false, []])
  const [one, other] = await Promise.all([door.queue(), door.queue()])
  expect(one).toBe(other)
  expect([door.isOpen, told]).toEqual([true, ['start']])
  await door.close()
  expect(told).toEqual(['start', 'stop'])
})

test('one that is away is told to who asks, and opened by who asks later', async () => {
  const { told, goAway, door } = aStore()
  goAway(true)
  await expect(door.queue()).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' })
  expect([door.isOpen, told]).toEqual([false, ['start', 'stop']])
  goAway(false)
  await door.queue()
  expect(door.isOpen).toBe(true)
})

test('one that nobody asked for is not opened to be closed', async () => {
  const { told, door } = aStore()
  await door.close()
  expect(told).toEqual([])
})
