import { readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second for user space, on every machine (USER_HZ, times(2)). */
const ticksPerSecond = 100

/** Seconds that all cores have worked since the machine started, by the first line of `/proc/stat` (proc(5)): all but idle and iowait. */
export const busySecondsOf = (stat: string): number => {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (stat.split('\n', 1)[0] ?? '').split(/\s+/).map(Number)
  return (user + nice + system + irq + softirq) / ticksPerSecond
}

/** The same, now. Also of processes that have ended, and of others than ours: the machine has to be left alone. */
export const busySeconds = (): number => busySecondsOf(readFileSync('/proc/stat', 'utf8'))
