import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { frozen } from '../../testing/frozen.ts'
import { probeStep } from './plan.ts'

const now = new Date('2026-11-23T08:00:00Z')
const pod = (name: string, state: object, more: Partial<KubeObject['metadata']> = {}): KubeObject =>
  frozen({
    metadata: { name, creationTimestamp: '2026-11-23T07:59:30Z', ...more },
    status: { podIP: '10.244.0.9', containerStatuses: [{ state }] },
  })
const running = { running: {} }
const ended = (exitCode: number) => ({ terminated: { exitCode } })
const three = (open: number, out: number, inside: number) => [
  pod('server', running),
  pod('open', ended(open)),
  pod('kept-out', ended(out)),
  pod('kept-in', ended(inside)),
]
const stepOf = (pods: readonly KubeObject[]) => probeStep(pods, { image: 'berth:1', now })

describe('probeStep', () => {
  test('makes the server first, then those who call its address', () => {
    expect(stepOf([])).toMatchObject({ kind: 'make', pods: [{ metadata: { name: 'server' } }] })
    expect(stepOf([pod('server', { waiting: {} })])).toEqual({ kind: 'wait' })
    const made = stepOf([pod('server', running)])
    if (made.kind !== 'make') throw new Error(made.kind)
    expect(made.pods.map(({ metadata, spec }) => [metadata.name, spec.containers[0].command.slice(2)])).toEqual([
      ['open', ['open', '10.244.0.9', '8080']],
      ['kept-out', ['shut', '10.244.0.9', '8080']],
      ['kept-in', ['shut', '10.244.0.9', '8080']],
    ])
  })

  test.for<[name: string, pods: readonly KubeObject[], status: string, reason: string]>([
    ['all as it should be', three(0, 0, 0), 'True', 'Enforced'],
    ['let in', three(0, 3, 0), 'False', 'NotEnforced'],
    ['let out', three(0, 0, 3), 'False', 'NotEnforced'],
    ['both, and the control failed', three(1, 3, 3), 'False', 'NotEnforced'],
    ['silence without a control that got through says nothing', three(1, 0, 0), 'Unknown', 'ProbeFailed'],
    ['a client that was killed says nothing', three(0, 137, 0), 'Unknown', 'ProbeFailed'],
    ['the server ended', [pod('server', ended(1)), pod('open', running)], 'Unknown', 'ProbeFailed'],
    ['the server is gone', [pod('open', running)], 'Unknown', 'ProbeFailed'],
    ['it takes too long', [pod('server', running, { creationTimestamp: '2026-11-23T07:50:00Z' })], 'Unknown', 'ProbeFailed'],
  ])('%s', ([, pods, status, reason]) => {
    expect(stepOf(pods)).toMatchObject({ kind: 'told', enforcement: { status, reason } })
  })

  test('waits while some still call, and while what was before goes', () => {
    expect(stepOf([...three(0, 0, 0).slice(0, 3), pod('kept-in', running)])).toEqual({ kind: 'wait' })
    expect(stepOf([pod('server', running, { deletionTimestamp: '2026-11-23T07:59:59Z' })])).toEqual({ kind: 'wait' })
  })
})
