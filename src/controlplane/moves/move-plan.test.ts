import { describe, expect, test } from 'vitest'
import type { StoreMove } from '../../apis/store-move.ts'
import { checkAgainMs, isHeldByMove, type MoveView, nextMoveAction } from './move-plan.ts'
import type { MoveTask } from './move-tasks.ts'

type Phase = StoreMove['phase']
const stores = { from: { kind: 'dedicated' }, to: { kind: 'shared', name: 'pool' } } as const
const quiet: MoveView = {
  isWanted: true,
  task: { kind: 'absent' },
  isStopped: false,
  isTargetMade: true,
  isRemoved: true,
  serves: false,
  phaseMs: 0,
}
const next = (phase: Phase, view: Partial<MoveView> = {}, given: Partial<StoreMove> = {}) =>
  nextMoveAction({ phase, message: 'told', ...stores, ...given }, { ...quiet, ...view })

const done = (finding: Extract<MoveTask, { kind: 'done' }>['finding'], agoMs = 0): MoveTask => ({ kind: 'done', finding, agoMs })
const failed = (isPassing: boolean, agoMs = 0): MoveTask => ({ kind: 'failed', message: 'away', isPassing, agoMs })
const equal = { kind: 'equal', keys: 7, sha256: 'ab' } as const

describe('the next action of a move', () => {
  test.for<[name: string, phase: Phase, view: Partial<MoveView>, wanted: object]>([
    ['begins with a look', 'Checking', {}, { kind: 'start' }],
    ['waits for the look', 'Checking', { task: { kind: 'running', message: '' } }, { kind: 'none' }],
    [
      'tells a refusal, and stays',
      'Checking',
      { task: done({ kind: 'refused', message: 'full' }) },
      { kind: 'none', isRefused: true, message: expect.stringMatching(/goes on .*full/) as string },
    ],
    [
      'looks again later',
      'Checking',
      { task: done({ kind: 'refused', message: 'full' }, checkAgainMs) },
      { kind: 'start', isRefused: true },
    ],
    ['is refused by a store that is away', 'Checking', { task: failed(true) }, { kind: 'none', isRefused: true }],
    [
      'prepares what is clear',
      'Checking',
      { task: done({ kind: 'clear', revision: 9 }) },
      { kind: 'go', phase: 'Preparing', change: { revision: 9 } },
    ],
    [
      'switches to other endpoints of the same data at once',
      'Checking',
      { task: done({ kind: 'same' }) },
      { kind: 'go', phase: 'Starting', change: { keepsSource: true } },
    ],
    ['is over when it is taken back before it began', 'Checking', { isWanted: false }, { kind: 'go', phase: 'Failed' }],

    ['removes an own store that is given up', 'Cleaning', { isRemoved: false }, { kind: 'remove' }],
    [
      'does not wait for ever for what does not go',
      'Cleaning',
      { isRemoved: false, phaseMs: 900_001 },
      { kind: 'give-up', phase: 'Done', message: expect.stringMatching(/Remove them by hand/) as string },
    ],
    ['makes an own target first', 'Preparing', { isTargetMade: false }, { kind: 'make' }],
    [
      'gives up an own target that does not come up',
      'Preparing',
      { isTargetMade: false, phaseMs: 600_001 },
      { kind: 'go', phase: 'Undoing' },
    ],
    ['prepares', 'Preparing', {}, { kind: 'start' }],
    [
      'stops the API server when all is prepared',
      'Preparing',
      { task: done({ kind: 'done' }) },
      { kind: 'go', phase: 'Stopping' },
    ],
    ['goes on when a target was away for a moment', 'Preparing', { task: failed(true) }, { kind: 'again' }],
    ['gives up what refuses', 'Preparing', { task: failed(false) }, { kind: 'go', phase: 'Undoing' }],
    ['is undone when it is taken back', 'Preparing', { isWanted: false, isTargetMade: false }, { kind: 'go', phase: 'Undoing' }],

    ['waits for pods to end', 'Stopping', {}, { kind: 'none' }],
    ['copies when nothing runs', 'Stopping', { isStopped: true }, { kind: 'go', phase: 'Copying' }],
    ['gives up pods that do not end', 'Stopping', { phaseMs: 300_001 }, { kind: 'go', phase: 'Undoing' }],
    ['starts again when it is taken back', 'Stopping', { isWanted: false, isStopped: true }, { kind: 'go', phase: 'Undoing' }],

    ['copies', 'Copying', {}, { kind: 'start' }],
    [
      'tells how far',
      'Copying',
      { task: { kind: 'running', message: '5 of 9 keys' } },
      { kind: 'none', message: 'the data are being copied: 5 of 9 keys' },
    ],
    ['copies once more when a store was away', 'Copying', { task: failed(true) }, { kind: 'again' }],
    [
      'does not keep the tenant down for a store that stays away',
      'Copying',
      { task: failed(true), phaseMs: 300_001 },
      { kind: 'go', phase: 'Undoing' },
    ],
    ['compares what is copied', 'Copying', { task: done({ kind: 'done' }) }, { kind: 'go', phase: 'Verifying' }],
    ['stops copying when it is taken back', 'Copying', { isWanted: false }, { kind: 'go', phase: 'Undoing' }],

    ['compares', 'Verifying', {}, { kind: 'start' }],
    [
      'switches only to what was found equal',
      'Verifying',
      { task: done(equal) },
      { kind: 'go', phase: 'Starting', change: { keys: 7, sha256: 'ab' } },
    ],
    [
      'goes back from a copy that differs',
      'Verifying',
      { task: done({ kind: 'refused', message: 'differs' }) },
      { kind: 'go', phase: 'Undoing', message: expect.stringContaining('differs') as string },
    ],
    ['goes back from what is no comparison', 'Verifying', { task: done({ kind: 'done' }) }, { kind: 'go', phase: 'Undoing' }],
    [
      'can be taken back until the last moment',
      'Verifying',
      { isWanted: false, task: done(equal) },
      { kind: 'go', phase: 'Undoing' },
    ],

    ['waits for the target to serve', 'Starting', {}, { kind: 'none' }],
    ['cleans up when the target has served', 'Starting', { serves: true }, { kind: 'go', phase: 'Cleaning' }],
    ['does not go back once the target may have been written to', 'Starting', { isWanted: false }, { kind: 'none' }],

    ['removes objects first', 'Cleaning', { isRemoved: false }, { kind: 'remove' }],
    ['removes what is elsewhere', 'Cleaning', {}, { kind: 'start' }],
    ['is done when nothing is left', 'Cleaning', { task: done({ kind: 'done' }) }, { kind: 'go', phase: 'Done' }],
    ['tries again to remove', 'Cleaning', { task: failed(true) }, { kind: 'again' }],
    [
      'tells what is left in a store that stays away',
      'Cleaning',
      { task: failed(true), phaseMs: 120_000 },
      { kind: 'give-up', phase: 'Done' },
    ],
    ['is not undone any more', 'Cleaning', { isWanted: false }, { kind: 'start' }],

    ['undoes objects first', 'Undoing', { isRemoved: false }, { kind: 'remove' }],
    [
      'has failed when all is undone',
      'Undoing',
      { task: done({ kind: 'done' }) },
      { kind: 'go', phase: 'Failed', message: 'told' },
    ],
    [
      'tells what is left of a target that stays away',
      'Undoing',
      { task: failed(false), phaseMs: 120_000 },
      { kind: 'give-up', phase: 'Failed' },
    ],
    ['does not go on when it is wanted again', 'Undoing', { isWanted: true }, { kind: 'start' }],
    ['rests when it is done', 'Done', {}, { kind: 'none' }],
    ['rests when it has failed', 'Failed', {}, { kind: 'none' }],
  ])('%s', ([, phase, view, wanted]) => {
    expect(next(phase, view)).toMatchObject(wanted)
  })

  test('keeps a refusal told while it looks again', () => {
    const given = { isRefused: true, message: 'it is full' }
    expect(next('Checking', {}, given)).toEqual({ kind: 'start', message: 'it is full', isRefused: true })
    expect(next('Checking', { task: { kind: 'running', message: '' } }, given)).toMatchObject({ isRefused: true })
  })

  test('holds the API server at zero exactly while nobody may write', () => {
    const all: readonly Phase[] = [
      'Checking',
      'Preparing',
      'Stopping',
      'Copying',
      'Verifying',
      'Starting',
      'Cleaning',
      'Undoing',
      'Done',
      'Failed',
    ]
    expect(all.filter((phase) => isHeldByMove({ phase }))).toEqual(['Stopping', 'Copying', 'Verifying'])
    expect(isHeldByMove(undefined)).toBe(false)
  })
})
