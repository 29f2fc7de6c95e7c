import { describe, expect, test } from 'vitest'
import { aPod } from '../testing/builders.ts'
import { isRolledOut, podProblem, workloadProblem } from './diagnose.ts'

const now = new Date('2026-06-01T00:01:00Z')
const aPodWith = (status: Record<string, unknown>, created = '2026-06-01T00:00:00Z') =>
  aPod({ metadata: { name: 'etcd-0', creationTimestamp: created }, status })
const container = (state: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  containerStatuses: [{ name: 'etcd', state, ...more }],
})
const unschedulable = (message: string) => ({
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
})

describe('podProblem', () => {
  test.for<[name: string, pod: ReturnType<typeof aPodWith>, reason: string | undefined, message?: RegExp]>([
    ['finds nothing in a pod that starts', aPodWith(container({ waiting: { reason: 'ContainerCreating' } })), undefined],
    [
      'names an image that cannot be had, and what to check',
      aPodWith(container({ waiting: { reason: 'ImagePullBackOff', message: 'no such image x' } })),
      'ImagePullFailed',
      /no such image x\. Check the image registry/,
    ],
    [
      'gives the last words of a process that ends again and again',
      aPodWith(
        container(
          { waiting: { reason: 'CrashLoopBackOff' } },
          { restartCount: 4, lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'a\nb\nc\nbad flag' } } },
        ),
      ),
      'CrashLooping',
      /ended 4 times, last with exit code 1 \(Error\): b \| c \| bad flag/,
    ],
    [
      'says that memory was short',
      aPodWith(
        container({ running: {} }, { restartCount: 2, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }),
      ),
      'CrashLooping',
      /exit code 137 \(OOMKilled\)/,
    ],
    [
      'is patient with one restart',
      aPodWith(container({ running: {} }, { restartCount: 1, lastState: { terminated: { exitCode: 1 } } })),
      undefined,
    ],
    [
      'names a pod that fits nowhere',
      aPodWith(unschedulable('0/2 nodes: Insufficient memory')),
      'Unschedulable',
      /Insufficient memory\. Add capacity/,
    ],
    [
      'names a volume that is not there',
      aPodWith(unschedulable('pod has unbound immediate PersistentVolumeClaims')),
      'VolumeNotBound',
      /Check the storage class/,
    ],
    ['gives a new pod time to be scheduled', aPodWith(unschedulable('x'), '2026-06-01T00:00:55Z'), undefined],
  ])('%s', ([, pod, reason, message]) => {
    const found = podProblem([pod], now)
    expect(found?.reason).toBe(reason)
    if (message) expect(found?.message).toMatch(message)
  })
})

test.for<[message: string, remedy: RegExp]>([
  [
    'pods "a-1" is forbidden: exceeded quota: tight, requested: pods=1, used: pods=1, limited: pods=1',
    /Raise ResourceQuota tight/,
  ],
  ['admission webhook "policy.example.com" denied the request: no', /Let the pods of control planes through/],
])('workloadProblem says why a Deployment cannot make pods, and what to do: %s', ([message, remedy]) => {
  const conditions = [{ type: 'ReplicaFailure', status: 'True', message }]
  const found = workloadProblem({ kind: 'Deployment', metadata: { name: 'a' }, status: { conditions } })
  expect(found?.reason).toBe('PodsRefused')
  expect(found?.message).toContain(message)
  expect(found?.message).toMatch(remedy)
})

describe('isRolledOut', () => {
  const aWorkload = (status: Record<string, unknown>, replicas = 1) => ({
    metadata: { generation: 2 },
    spec: { replicas },
    status,
  })
  const all = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, readyReplicas: 1 }
  test.for<[name: string, status: Record<string, unknown>, wanted: boolean]>([
    ['all replicas new and ready', all, true],
    ['a spec that nobody has looked at', { ...all, observedGeneration: 1 }, false],
    ['an old replica left', { ...all, replicas: 2 }, false],
    ['a replica not ready', { ...all, readyReplicas: 0 }, false],
  ])('%s', ([, status, wanted]) => {
    expect(isRolledOut(aWorkload(status))).toBe(wanted)
  })
  test('nothing there', () => expect(isRolledOut(undefined)).toBe(false))
})
