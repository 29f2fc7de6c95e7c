import { expect, test } from 'vitest'
import { busySecondsOf } from './machine-cpu.ts'

test('idle time and waiting for disks is no work', () => {
  expect(busySecondsOf('cpu  1000 200 300 99999 5555 10 20 0 0 0\ncpu0 1 2 3 4 5 6 7\n')).toBe(15.3)
})
