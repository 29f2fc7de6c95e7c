import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { componentLabel } from '../../tenancy/marks.ts'
import { aPlane } from '../../testing/plane-builders.ts'
import type { StepOutcome, StepResult } from '../steps.ts'
import { stepsFor } from './index.ts'
import { apiServer, apiServerAnswers, quota, waitsForPlace } from './workloads.ts'

const waits = (fields: Partial<Extract<StepOutcome, { kind: 'wait' }>>): StepResult => ({
  step: apiServer,
  outcome: { kind: 'wait', reason: 'Starting', message: 'm', ...fields },
})

describe('apiServerAnswers: a controller manager that starts before it can be answered gives up and is held back', () => {
  test.for<[name: string, before: readonly StepResult[], expected: boolean]>([
    ['nothing was looked at', [], false],
    ['it starts', [waits({})], false],
    ['the round could not ask', [{ step: apiServer, error: new Error('x') }], false],
    ['it answers that it is not ready', [waits({ answers: true })], true],
    ['it is rolled, and another one serves', [waits({ reason: 'RollingOut', serves: true })], true],
    ['it serves', [{ step: apiServer, outcome: { kind: 'done', reason: 'Serving', message: 'm' } }], true],
    ['another step is done', [{ step: quota, outcome: { kind: 'done', reason: 'Applied', message: 'm' } }], false],
  ])('%s', ([, before, expected]) => {
    expect(apiServerAnswers(before)).toBe(expected)
  })

  test.for(['dedicated', 'shared', 'external'] as const)('of a tenant with a data store that is %s', (kind) => {
    const step = stepsFor(kind).find(({ name }) => name === apiServer.name)
    expect(apiServerAnswers(step ? [{ step, outcome: { kind: 'done', reason: 'Serving', message: 'm' } }] : [])).toBe(true)
  })
})

describe('waitsForPlace: an API server that starts long before its etcd sleeps through the moment that etcd is there', () => {
  const pod = (component: string, scheduled = 'False'): KubeObject => ({
    metadata: { labels: { [componentLabel]: component } },
    status: { conditions: [{ type: 'PodScheduled', status: scheduled }] },
  })
  test.for<[name: string, kind: 'dedicated' | 'shared', hasServed: boolean, pods: readonly KubeObject[], expected: boolean]>([
    ['no pod of etcd', 'dedicated', false, [pod('kube-apiserver', 'True')], true],
    ['one without a node', 'dedicated', false, [pod('etcd')], true],
    ['one of several has a node', 'dedicated', false, [pod('etcd'), pod('etcd', 'True')], false],
    ['it has served before', 'dedicated', true, [], false],
    ['an etcd of somebody else', 'shared', false, [], false],
  ])('%s', ([, kind, hasServed, pods, expected]) => {
    const dataStore = kind === 'shared' ? { kind, name: 'eu' } : { kind }
    expect(waitsForPlace(aPlane({ dataStore }, { hasServed }), pods)).toBe(expected)
  })
})
