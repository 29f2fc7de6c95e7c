import { describe, expect, test } from 'vitest'
import { rolloutComplaint } from './rollout.ts'

const of = (kind: string, status: object, replicas = 2) => ({
  kind,
  metadata: { name: 'x', generation: 3 },
  spec: { replicas },
  status,
})
const deployment = (status: object) => of('Deployment', { observedGeneration: 3, ...status })
const daemonSet = (status: object) => of('DaemonSet', { observedGeneration: 3, ...status })

describe('rolloutComplaint', () => {
  test.for<[name: string, workload: Parameters<typeof rolloutComplaint>[0], wanted: string | undefined]>([
    ['gone', undefined, 'it is not there'],
    ['not looked at', of('Deployment', { observedGeneration: 2 }), 'no controller has looked at it yet'],
    ['old pods', deployment({ updatedReplicas: 1, replicas: 2, availableReplicas: 2 }), '1 of 2 pods are of this installation'],
    ['one too many', deployment({ updatedReplicas: 2, replicas: 3, availableReplicas: 3 }), '1 pods of before end'],
    ['not ready', deployment({ updatedReplicas: 2, replicas: 2, availableReplicas: 1 }), '1 of 2 pods serve'],
    ['serving', deployment({ updatedReplicas: 2, replicas: 2, availableReplicas: 2 }), undefined],
    [
      'a node without',
      daemonSet({ desiredNumberScheduled: 2, updatedNumberScheduled: 1 }),
      '1 of 2 pods are of this installation',
    ],
    [
      'a node not ready',
      daemonSet({ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 }),
      '1 of 2 pods serve',
    ],
    ['all nodes', daemonSet({ desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 }), undefined],
  ])('%s', ([, workload, wanted]) => {
    expect(rolloutComplaint(workload)).toBe(wanted)
  })
})
