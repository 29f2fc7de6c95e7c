/** Something that a process starts and stops. */
export interface Part {
  /** For logs. */
  readonly name: string
  start(): Promise<void>
  /** Resolves when nothing of it runs any more. It may be called while it starts, and more than once. */
  stop(): Promise<void>
}

/** Starts parts one after the other. Stopped in the middle, it starts no more of them; those that began stop in the reverse order. */
export const createParts = (parts: readonly Part[]): Omit<Part, 'name'> => {
  const begun: Part[] = []
  let stopping = false
  let starting: Promise<void> | undefined
  const run = async (): Promise<void> => {
    for (const part of parts) {
      if (stopping) return
      begun.unshift(part)
      await part.start()
    }
  }
  return {
    start: () => (starting ??= run()),
    stop: async () => {
      stopping = true
      for (const part of begun.slice()) await part.stop()
      // What failed to start has told its caller.
      await starting?.catch(() => {})
      for (const part of begun.splice(0)) await part.stop()
    },
  }
}
