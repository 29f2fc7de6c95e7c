import { describe, expect, test } from 'vitest'
import { rolloutGap } from './quiet.ts'

describe('a Deployment', () => {
  const one = (replicas: number, status: object) => ({ metadata: { name: 'web', generation: 4 }, spec: { replicas }, status })
  const all = (count: number) => ({ observedGeneration: 4, replicas: count, readyReplicas: count, updatedReplicas: count })
  test.for<[name: string, object: ReturnType<typeof one>, quiet: boolean]>([
    ['has all its pods', one(2, all(2)), true],
    ['is at zero', one(0, { observedGeneration: 4 }), true],
    ['was not looked at yet', one(2, { ...all(2), observedGeneration: 3 }), false],
    ['has a pod too few', one(2, all(1)), false],
    ['has an old pod left', one(2, { ...all(2), replicas: 3 }), false],
    ['has pods of an old template', one(2, { ...all(2), updatedReplicas: 1 }), false],
  ])('%s', ([, object, quiet]) => expect(rolloutGap(object) === undefined).toBe(quiet))
})
