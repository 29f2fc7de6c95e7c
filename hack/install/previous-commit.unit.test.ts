import { describe, expect, test } from 'vitest'
import { type Choice, choosePrevious, type History } from './previous-commit.ts'

const history: History = { isRepository: true, isShallow: false, isChanged: false, tags: [], commits: [] }
const many = Array.from({ length: 30 }, (_, at) => `c${at}`)

describe('choosePrevious', () => {
  test.for<[name: string, given: Partial<History>, revision: string | undefined, reason: string]>([
    ['ten changes before a clean tree', { commits: many }, 'c10', '10 changes of what is installed ago'],
    ['ten changes before an edited one', { commits: many, isChanged: true }, 'c9', '10 changes of what is installed ago'],
    ['the newest tag', { commits: many, tags: ['v0.2.0', 'v0.1.0'] }, 'v0.2.0', 'is v0.2.0'],
    [
      'the oldest of a short history',
      { commits: ['c0', 'c1', 'c2'] },
      'c2',
      '2 changes of what is installed ago, the first one known',
    ],
    ['HEAD, when that is all and was edited', { commits: ['c0'], isChanged: true }, 'c0', '1 change of'],
    ['the oldest of a shallow clone', { commits: ['c0', 'c1'], isShallow: true }, 'c1', 'git fetch --unshallow'],
    ['none in a clone of depth one', { commits: ['c0'], isShallow: true }, undefined, 'git fetch --unshallow'],
    ['none for a first commit', { commits: ['c0'] }, undefined, 'no commit is known'],
    ['none without a repository', { isRepository: false }, undefined, 'in no git repository'],
  ])('is %s', ([, given, revision, reason]) => {
    const choice: Choice = choosePrevious({ ...history, ...given })
    expect(choice.revision).toBe(revision)
    expect(choice.reason).toContain(reason)
  })
})
