import { describe, expect, test } from 'vitest'
import {
  foundingPlan,
  isInHands,
  type Loss,
  type Member,
  type MemberAction,
  type MemberPod,
  type MembersView,
  nextMemberAction,
  planOf,
} from './members.ts'

const voter = (ordinal: number): Member => ({ id: `id-${ordinal}`, ordinal, isStarted: true, isLearner: false })
const learner = (ordinal: number, isStarted = true): Member => ({ id: `id-${ordinal}`, ordinal, isStarted, isLearner: true })
const stranger: Member = { id: '77', ordinal: undefined, isStarted: true, isLearner: false }

/** Pods as text: `+` ready, `-` not, `y` not yet, `s` never, `e`, `r`, `v` not and with a loss. */
const pods = (text: string): MembersView['pods'] => {
  const losses: Record<string, Loss> = { e: 'emptied', r: 'removed', v: 'volume' }
  return new Map(
    text.split('').flatMap((sign, ordinal): [number, MemberPod][] =>
      sign === '.' || sign === 'c'
        ? []
        : [
            [
              ordinal,
              {
                isReady: sign === '+',
                loss: losses[sign],
                isYoung: sign === 'y',
                isEmpty: sign === 'e',
                isStuck: sign === 's',
              },
            ],
          ],
    ),
  )
}

/** All pods have a volume, but for `.`, where there is neither; `c` is a volume without a pod. */
const claims = (text: string): ReadonlySet<number> =>
  new Set(text.split('').flatMap((sign, ordinal) => (sign === '.' ? [] : [ordinal])))

test.for<[name: string, wanted: number, members: Member[], pods: string, leader: string, action: Partial<MemberAction>]>([
  ['nothing to do for one', 1, [voter(0)], '+', 'id-0', { kind: 'none' }],
  ['nothing to do for three', 3, [voter(0), voter(1), voter(2)], '+++', 'id-1', { kind: 'none' }],
  ['nothing to do while one of three is away for a while', 3, [voter(0), voter(1), voter(2)], '+-+', 'id-0', { kind: 'none' }],
  ['the second one comes as a learner', 3, [voter(0)], '+', 'id-0', { kind: 'add', ordinal: 1 }],
  ['not while the first one is away', 3, [voter(0)], '-', 'id-0', { kind: 'wait' }],
  ['a learner is waited for', 3, [voter(0), learner(1, false)], '+-', 'id-0', { kind: 'wait' }],
  ['a learner that has come gets a vote', 3, [voter(0), learner(1)], '+-', 'id-0', { kind: 'promote', member: learner(1) }],
  ['the third one comes when the second has a vote', 3, [voter(0), voter(1)], '++', 'id-0', { kind: 'add', ordinal: 2 }],
  ['not before the second one serves', 3, [voter(0), voter(1)], '+-', 'id-0', { kind: 'wait' }],
  ['a gap is filled first', 3, [voter(0), voter(2)], '+e+', 'id-0', { kind: 'add', ordinal: 1 }],
  ['never with what an earlier one has left', 3, [voter(0), voter(2)], '+r+', 'id-0', { kind: 'discard', ordinal: 1 }],
  ['nor with what never says what it has', 3, [voter(0), voter(2)], '+s+', 'id-0', { kind: 'discard', ordinal: 1 }],
  ['one that has still to start is waited for, however long it takes', 3, [voter(0), voter(2)], '+-+', 'id-0', { kind: 'wait' }],
  ['a volume alone gets its pod first', 3, [voter(0), voter(2)], '+c+', 'id-0', { kind: 'wait' }],
  ['a learner that is away gets no vote', 3, [voter(0), learner(1)], '+d', 'id-0', { kind: 'wait' }],
  ['what was made anew is waited for: it will say that it is empty', 3, [voter(0), voter(2)], '+y+', 'id-0', { kind: 'wait' }],
  ['the last one, taken out a moment ago, goes before it comes back', 3, [voter(0), voter(1)], '++-', 'id-0', { kind: 'wait' }],
  ['and so does its volume', 3, [voter(0), voter(1)], '++c', 'id-0', { kind: 'wait' }],
  [
    'the last one goes first',
    1,
    [voter(0), voter(1), voter(2)],
    '+++',
    'id-0',
    { kind: 'remove', member: voter(2), why: 'surplus' },
  ],
  ['the leader hands over before it goes', 1, [voter(0), voter(1), voter(2)], '+++', 'id-2', { kind: 'lead', to: voter(0) }],
  [
    'the last one goes also when it is away',
    1,
    [voter(0), voter(1), voter(2)],
    '++-',
    'id-0',
    { kind: 'remove', member: voter(2) },
  ],
  ['not while one that stays is away', 1, [voter(0), voter(1), voter(2)], '-++', 'id-1', { kind: 'wait' }],
  ['then the second one', 1, [voter(0), voter(1)], '++', 'id-0', { kind: 'remove', member: voter(1), why: 'surplus' }],
  [
    'a learner that is not wanted any more goes',
    1,
    [voter(0), learner(1, false)],
    '+-',
    'id-0',
    { kind: 'remove', member: learner(1, false) },
  ],
  [
    'an emptied one of three is taken out',
    3,
    [voter(0), voter(1), voter(2)],
    '+e+',
    'id-0',
    { kind: 'remove', member: voter(1), why: 'lost' },
  ],
  ['the first one as well', 3, [voter(0), voter(1), voter(2)], 'e++', 'id-1', { kind: 'remove', member: voter(0), why: 'lost' }],
  ['one whose volume is gone is had anew', 3, [voter(0), voter(1), voter(2)], '++v', 'id-0', { kind: 'discard', ordinal: 2 }],
  [
    'not while a second one is away: that would be the end of the majority',
    3,
    [voter(0), voter(1), voter(2)],
    '+-v',
    'id-0',
    { kind: 'wait', problem: true },
  ],
  ['nor the half of two', 3, [voter(0), voter(1)], '+e', 'id-0', { kind: 'wait', problem: true }],
  [
    'an emptied one that is expected is told so',
    3,
    [voter(0), learner(1, false), voter(2)],
    '+e+',
    'id-0',
    { kind: 'restart', ordinal: 1 },
  ],
  [
    'an emptied learner is taken out',
    3,
    [voter(0), learner(1), voter(2)],
    '+e+',
    'id-0',
    { kind: 'remove', member: learner(1), why: 'lost' },
  ],
  [
    'data of one that was taken out once are thrown away',
    3,
    [voter(0), learner(1, false)],
    '+r',
    'id-0',
    { kind: 'discard', ordinal: 1 },
  ],
  ['a trace of an old loss is no loss', 3, [voter(0), voter(1), voter(2)], '+++', 'id-0', { kind: 'none' }],
  ['a stranger is told of', 3, [voter(0), stranger], '+', 'id-0', { kind: 'wait', problem: true }],
])('%s', ([, wanted, members, signs, leader, action]) => {
  const answering = new Set(members.flatMap(({ ordinal = -1 }) => (signs[ordinal] === 'd' ? [] : [ordinal])))
  expect(nextMemberAction({ wanted, members, leader, pods: pods(signs), claims: claims(signs), answering })).toMatchObject(action)
})

describe('the way from any start to any end', () => {
  /** What etcd and super would do of an action. */
  const after = (members: readonly Member[], action: MemberAction): readonly Member[] => {
    switch (action.kind) {
      case 'add':
        return [...members, learner(action.ordinal, false)]
      case 'promote':
        return members.map((member) => (member === action.member ? { ...member, isLearner: false } : member))
      case 'remove':
        return members.filter((member) => member !== action.member)
      case 'restart':
        return members.map((member) => (member.ordinal === action.ordinal ? { ...member, isStarted: true } : member))
      case 'none':
      case 'wait':
      case 'lead':
      case 'discard':
        return members
    }
  }
  /** What StatefulSet and kubelet do of it: learners are not ready, one that is no member and has others above it has no data, who is above all goes. */
  const podsAfter = (before: string, members: readonly Member[], action: MemberAction): string =>
    Array.from({ length: Math.max(...members.map(({ ordinal = 0 }) => ordinal + 1)) }, (_, ordinal) => {
      const member = members.find((each) => each.ordinal === ordinal)
      if (!member) return 'e'
      if (!member.isStarted) return action.kind === 'add' || before[ordinal] === undefined ? 'e' : (before[ordinal] ?? '-')
      return member.isLearner ? '-' : '+'
    }).join('')
  test.for<[from: number[], wanted: number, lost: string, steps: string]>([
    [[0], 3, '+', 'add restart promote add restart promote none'],
    [[0, 1, 2], 1, '+++', 'remove remove none'],
    [[0, 1, 2], 3, '+e+', 'remove add restart promote none'],
    [[0, 1, 2], 1, 'e++', 'remove add restart promote remove lead remove none'],
  ])('from %j to %d with %s', ([from, wanted, lost, steps]) => {
    let members: readonly Member[] = from.map(voter)
    let signs = lost
    let heir: string | undefined
    const taken: string[] = []
    while (taken.at(-1) !== 'none' && taken.length < 20) {
      // Who has a vote the longest leads, until it is told to hand over.
      const leader = members.find(({ isLearner, id }) => !isLearner && (heir === undefined || id === heir))?.id
      const answering = new Set(members.map(({ ordinal = -1 }) => ordinal))
      const action = nextMemberAction({ wanted, members, leader, pods: pods(signs), claims: claims(signs), answering })
      if (action.kind === 'lead') heir = action.to.id
      taken.push(action.kind)
      members = after(members, action)
      signs = podsAfter(signs, members, action)
    }
    expect(taken.join(' ')).toBe(steps)
    expect(members.map(({ ordinal = -1 }) => ordinal).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: wanted }, (_, ordinal) => ordinal),
    )
  })
})

describe('how members start', () => {
  test('those of a new store found it together', () => {
    expect(foundingPlan(1)).toEqual([{ ordinal: 0, start: 'found', peers: [0] }])
    expect(foundingPlan(3).map(({ start, peers }) => [start, peers])).toEqual(Array(3).fill(['found', [0, 1, 2]]))
  })
  test('one that has votes to keep halts without its data, one that is new joins those that are listed', () => {
    expect(planOf([voter(2), voter(0), learner(1, false)])).toEqual([
      { ordinal: 0, start: 'halt', peers: [0] },
      { ordinal: 1, start: 'join', peers: [0, 1, 2] },
      { ordinal: 2, start: 'halt', peers: [2] },
    ])
    expect(planOf([voter(0)])).toEqual(foundingPlan(1))
  })
  test('a learner that has been in touch halts without its data, as its others remember what it had', () => {
    expect(planOf([voter(0), learner(1)])[1]).toEqual({ ordinal: 1, start: 'halt', peers: [1] })
  })
  test.for<[name: string, members: Member[], action: MemberAction, inHands: boolean]>([
    ['nothing to do', [voter(0), voter(1), voter(2)], { kind: 'none' }, false],
    ['one', [voter(0)], { kind: 'none' }, false],
    ['one of three is away', [voter(0), voter(1), voter(2)], { kind: 'wait', message: '' }, false],
    ['one of three goes', [voter(0), voter(1), voter(2)], { kind: 'remove', member: voter(2), why: 'surplus' }, true],
    ['two', [voter(0), voter(1)], { kind: 'wait', message: '' }, true],
    ['a learner', [voter(0), voter(1), voter(2), learner(3)], { kind: 'wait', message: '' }, true],
  ])('what is in hands: %s', ([, members, action, inHands]) => {
    expect(isInHands(members, action)).toBe(inHands)
  })
  test('pods are numbered without a gap: one that is no member halts', () => {
    expect(planOf([voter(0), voter(2)])[1]).toEqual({ ordinal: 1, start: 'halt', peers: [1] })
  })
})
