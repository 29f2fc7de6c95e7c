import { explainError, hasCode } from '../../lib/errors.ts'
import type { MoveFinding } from './move-plan.ts'

/** How what is done for one phase of a move stands. */
export type MoveTask =
  | { readonly kind: 'absent' }
  | { readonly kind: 'running'; readonly message: string }
  /** `agoMs`: since it ended. */
  | { readonly kind: 'done'; readonly finding: MoveFinding; readonly agoMs: number }
  /** `isPassing`: a store did not answer, and may when it is asked again. */
  | { readonly kind: 'failed'; readonly message: string; readonly isPassing: boolean; readonly agoMs: number }

export type MoveWork = (tell: (message: string) => void, signal: AbortSignal) => Promise<MoveFinding>

/**
 * What takes longer than a round: at most one piece of work for each move, beside the rounds. Only in memory: whoever comes after a manager that was killed
 * begins the piece again, which is why each of them can be done again.
 */
export interface MoveTasks {
  state(id: string, phase: string): MoveTask
  /** Ends what was done for another phase of the same move. */
  start(id: string, phase: string, work: MoveWork): void
  forget(id: string): void
  /** Ends everything, and waits for it. */
  stop(): Promise<void>
}

type Ended = { readonly at: number } & ({ readonly finding: MoveFinding } | { readonly error: unknown })

interface Entry {
  readonly phase: string
  readonly controller: AbortController
  message: string
  end?: Ended
  over: Promise<void>
}

const taskOf = ({ message, end }: Entry): MoveTask => {
  if (!end) return { kind: 'running', message }
  const agoMs = performance.now() - end.at
  if ('finding' in end) return { kind: 'done', finding: end.finding, agoMs }
  const isPassing = hasCode(end.error, 'DATA_STORE_UNREACHABLE')
  return { kind: 'failed', message: explainError(end.error), isPassing, agoMs }
}

export const createMoveTasks = (): MoveTasks => {
  const entries = new Map<string, Entry>()

  const forget = (id: string): void => {
    entries.get(id)?.controller.abort()
    entries.delete(id)
  }

  return {
    state: (id, phase) => {
      const entry = entries.get(id)
      return entry?.phase === phase ? taskOf(entry) : { kind: 'absent' }
    },
    start: (id, phase, work) => {
      forget(id)
      const controller = new AbortController()
      const entry: Entry = { phase, controller, message: '', over: Promise.resolve() }
      const tell = (message: string): void => {
        entry.message = message
      }
      const run = async (): Promise<void> => {
        try {
          entry.end = { finding: await work(tell, controller.signal), at: performance.now() }
        } catch (error) {
          entry.end = { error, at: performance.now() }
        }
      }
      entries.set(id, entry)
      entry.over = run()
    },
    forget,
    stop: async () => {
      const all = [...entries.values()]
      for (const id of entries.keys()) forget(id)
      await Promise.all(all.map(({ over }) => over))
    },
  }
}
