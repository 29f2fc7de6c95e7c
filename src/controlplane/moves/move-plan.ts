import type { StoreMove } from '../../apis/store-move.ts'
import { storeText } from '../data-stores/in-force.ts'
import type { MoveTask } from './move-tasks.ts'

/** What a piece of work has found. */
export type MoveFinding =
  | { readonly kind: 'refused'; readonly message: string }
  /** Both are the same keys of the same etcd. */
  | { readonly kind: 'same' }
  | { readonly kind: 'clear'; readonly revision: number }
  | { readonly kind: 'equal'; readonly keys: number; readonly sha256: string }
  | { readonly kind: 'done' }

/** What is seen of a move that is under way. */
export interface MoveView {
  /** The spec still wants it. */
  readonly isWanted: boolean
  /** The work of the phase, beside the rounds. */
  readonly task: MoveTask
  /** No API server and no controller manager runs any more, or is about to. */
  readonly isStopped: boolean
  /** Objects of an own target are made, and it answers; true of all others. */
  readonly isTargetMade: boolean
  /** Nothing is left in the control-plane namespace of an own store that is given up; true of all others. */
  readonly isRemoved: boolean
  /** The data store in force and the API server serve. */
  readonly serves: boolean
  /** Since the phase began. */
  readonly phaseMs: number
}

/** What is next. `start`: the work of the phase. `make`, `remove`: objects of an own store. `again`: forget the work, to have it done anew. */
export type MoveAction =
  | {
      readonly kind: 'go'
      readonly phase: StoreMove['phase']
      readonly message: string
      readonly change?: Partial<Pick<StoreMove, 'keepsSource' | 'revision' | 'keys' | 'sha256'>>
    }
  | {
      readonly kind: 'start' | 'make' | 'remove' | 'again' | 'none'
      readonly message: string
      readonly isRefused?: boolean | undefined
    }
  /** What is left in a store that does not answer is told, as nobody else knows of it. */
  | { readonly kind: 'give-up'; readonly phase: 'Done' | 'Failed'; readonly message: string }

type Given = Pick<StoreMove, 'phase' | 'from' | 'to' | 'message' | 'isRefused'>

/** How long the tenant's API is held at zero for a store that does not answer, and for pods that do not end. */
const stoppedMs = 5 * 60_000
/** How long an own target may take to come up. */
const makingMs = 10 * 60_000
/** How long what is left in a store that does not answer is waited for. */
const removalMs = 120_000
/** How long pods and volumes of an own store that is given up are waited for: on a node that is lost they stay for minutes. */
const ownRemovalMs = 15 * 60_000
/** A move that cannot be is looked at again after so long. */
export const checkAgainMs = 25_000

const cut = (message: string): string => message.slice(0, 4000)
const asBefore = (why: string): string => cut(`the tenant goes on with the data store that it had: ${why}`)
const takenBack = asBefore('the move was taken back')

const undo = (message: string): MoveAction => ({ kind: 'go', phase: 'Undoing', message })

/** The phases in which work is started when it is absent, told while it runs, and done again when a store did not answer. */
const whileWorking = (
  { task, phaseMs }: MoveView,
  { doing, mostMs, done }: { doing: string; mostMs: number; done: (finding: MoveFinding) => MoveAction },
): MoveAction => {
  switch (task.kind) {
    case 'absent':
      return { kind: 'start', message: doing }
    case 'running':
      return { kind: 'none', message: task.message === '' ? doing : `${doing}: ${task.message}` }
    case 'done':
      return done(task.finding)
    case 'failed':
      return task.isPassing && phaseMs < mostMs
        ? { kind: 'again', message: cut(`tries again: ${task.message}`) }
        : undo(asBefore(task.message))
  }
}

/** What is refused is looked at again as long as it is wanted: whatever was wrong may be put right. Meanwhile it stays told. */
const whileChecking = ({ to, message, isRefused }: Given, { task }: MoveView): MoveAction => {
  const looks = isRefused ? { message, isRefused } : { message: `looks whether the tenant can move to ${storeText(to)}` }
  const refused = (why: string, agoMs: number): MoveAction => ({
    kind: agoMs < checkAgainMs ? 'none' : 'start',
    message: asBefore(why),
    isRefused: true,
  })
  switch (task.kind) {
    case 'absent':
      return { kind: 'start', ...looks }
    case 'running':
      return { kind: 'none', ...looks }
    case 'failed':
      return refused(task.message, task.agoMs)
    case 'done': {
      const { finding, agoMs } = task
      if (finding.kind === 'refused') return refused(finding.message, agoMs)
      if (finding.kind === 'same')
        return { kind: 'go', phase: 'Starting', message: `the same data behind ${storeText(to)}`, change: { keepsSource: true } }
      const revision = finding.kind === 'clear' ? finding.revision : 0
      return { kind: 'go', phase: 'Preparing', message: `${storeText(to)} is being prepared`, change: { revision } }
    }
  }
}

const whilePreparing = ({ to }: Given, view: MoveView): MoveAction => {
  const doing = `${storeText(to)} is being prepared`
  if (!view.isTargetMade)
    return view.phaseMs < makingMs ? { kind: 'make', message: doing } : undo(asBefore(`${storeText(to)} did not come up in time`))
  return whileWorking(view, {
    doing,
    mostMs: stoppedMs,
    done: () => ({ kind: 'go', phase: 'Stopping', message: 'the API server is being stopped' }),
  })
}

const removal = (view: MoveView, over: { phase: 'Done' | 'Failed'; doing: string; message: string }): MoveAction => {
  const { phase, doing, message } = over
  if (!view.isRemoved)
    return view.phaseMs < ownRemovalMs
      ? { kind: 'remove', message: doing }
      : {
          kind: 'give-up',
          phase,
          message: `${message}. Left in the control-plane namespace, as it does not go: pods or volumes of etcd. Remove them by hand`,
        }
  const { task } = view
  switch (task.kind) {
    case 'absent':
      return { kind: 'start', message: doing }
    case 'running':
      return { kind: 'none', message: doing }
    case 'done':
      return { kind: 'go', phase, message }
    case 'failed':
      return view.phaseMs < removalMs
        ? { kind: 'again', message: cut(`${doing}, tries again: ${task.message}`) }
        : { kind: 'give-up', phase, message: cut(`${message}. Left there, remove it by hand: ${task.message}`) }
  }
}

/** The rule for a move that has begun. Until it starts on the target, every way back leads to the source, which nobody has touched. */
export const nextMoveAction = (given: Given, view: MoveView): MoveAction => {
  const { phase, from, to } = given
  switch (phase) {
    case 'Checking':
      return view.isWanted ? whileChecking(given, view) : { kind: 'go', phase: 'Failed', message: takenBack }
    case 'Preparing':
      return view.isWanted ? whilePreparing(given, view) : undo(takenBack)
    case 'Stopping':
      if (!view.isWanted) return undo(takenBack)
      if (view.isStopped) return { kind: 'go', phase: 'Copying', message: 'the data are being copied' }
      return view.phaseMs < stoppedMs
        ? { kind: 'none', message: 'waits for the pods of API server and controller manager to end' }
        : undo(asBefore('the pods of API server or controller manager did not end in five minutes: look at their nodes'))
    case 'Copying':
      if (!view.isWanted) return undo(takenBack)
      return whileWorking(view, {
        doing: 'the data are being copied',
        mostMs: stoppedMs,
        done: () => ({ kind: 'go', phase: 'Verifying', message: 'the copy is being compared' }),
      })
    case 'Verifying':
      if (!view.isWanted) return undo(takenBack)
      return whileWorking(view, {
        doing: 'the copy is being compared',
        mostMs: stoppedMs,
        done: (finding) => {
          if (finding.kind !== 'equal')
            return undo(asBefore(finding.kind === 'refused' ? finding.message : 'the copy was not compared'))
          const { keys, sha256 } = finding
          const message = `${keys} keys are the same in ${storeText(to)}, with which the tenant is started`
          return { kind: 'go', phase: 'Starting', message, change: { keys, sha256 } }
        },
      })
    case 'Starting':
      return view.serves
        ? {
            kind: 'go',
            phase: 'Cleaning',
            message: `the tenant serves from ${storeText(to)}; what is in ${storeText(from)} is removed`,
          }
        : {
            kind: 'none',
            message: `the tenant is started with ${storeText(to)}. Until it serves from there, only mending what keeps it from that helps: what it may have written is there`,
          }
    case 'Cleaning':
      return removal(view, {
        phase: 'Done',
        doing: `the tenant serves from ${storeText(to)}; what is in ${storeText(from)} is removed`,
        message: `the tenant serves from ${storeText(to)}`,
      })
    case 'Undoing':
      return removal(view, { phase: 'Failed', doing: given.message, message: given.message })
    case 'Done':
    case 'Failed':
      return { kind: 'none', message: given.message }
  }
}

/** True while the API server is at rest for a move. */
export const isHeldByMove = (move: Pick<StoreMove, 'phase'> | undefined): boolean =>
  move?.phase === 'Stopping' || move?.phase === 'Copying' || move?.phase === 'Verifying'

/** True from the first change for a move until all is as it is to stay. */
export const isMoving = (move: Pick<StoreMove, 'phase'> | undefined): boolean =>
  move !== undefined && move.phase !== 'Checking' && move.phase !== 'Done' && move.phase !== 'Failed'
