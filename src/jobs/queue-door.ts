import type { JobQueue } from './job-queue.ts'

/** A queue that is opened when somebody asks for it: a Redis that is away keeps no process from starting. */
export interface QueueDoor {
  /** The queue, opened and started once. Throws what that throws, and opens again the next time. */
  queue(): Promise<JobQueue>
  /** True while it is open. */
  readonly isOpen: boolean
  /** Stops the queue if it was opened. */
  close(): Promise<void>
}

export const createQueueDoor = (open: () => Promise<JobQueue>): QueueDoor => {
  let opening: Promise<JobQueue> | undefined
  let opened: JobQueue | undefined
  const started = async (): Promise<JobQueue> => {
    const queue = await open()
    try {
      await queue.start()
      return queue
    } catch (error) {
      await queue.stop({ deadlineMs: 1000 }).catch(() => {})
      throw error
    }
  }
  const tryOpen = async (): Promise<JobQueue> => {
    try {
      opened = await started()
      return opened
    } catch (error) {
      opening = undefined
      throw error
    }
  }
  return {
    queue: () => (opening ??= tryOpen()),
    get isOpen() {
      return opened !== undefined
    },
    close: async () => {
      const queue = await opening?.catch(() => undefined)
      await queue?.stop()
    },
  }
}
