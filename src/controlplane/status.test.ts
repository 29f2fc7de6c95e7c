import { describe, expect, test } from 'vitest'
import type { Condition, ConditionType } from '../apis/conditions.ts'
import type { StoreMove } from '../apis/store-move.ts'
import type { UpgradeStatus } from '../apis/upgrade.ts'
import { AppError } from '../lib/errors.ts'
import { aTenantControlPlane } from '../testing/plane-builders.ts'
import { isSameStatus, readyOf, statusOf, transitionsOf } from './status.ts'
import type { Step, StepOutcome, StepResult } from './steps.ts'

const now = new Date('2026-06-01T00:00:10Z')
const step = (name: string, condition?: ConditionType): Step => ({
  name,
  needs: [],
  ...(condition && { condition }),
  run: () => Promise.reject(new Error('not run here')),
})
const done = (name: string, condition?: ConditionType): StepResult => ({
  step: step(name, condition),
  outcome: { kind: 'done', reason: 'Serving', message: `${name} serves` },
})
const waits = (name: string, outcome: Partial<StepOutcome> = {}, condition?: ConditionType): StepResult => ({
  step: step(name, condition),
  outcome: { kind: 'wait', reason: 'Starting', message: `${name} starts`, ...outcome } as StepOutcome,
})
const condition = (type: ConditionType, status: 'True' | 'False', reason = 'R'): Condition => ({
  type,
  status,
  reason,
  message: 'm',
  observedGeneration: 3,
  lastTransitionTime: '2026-06-01T00:00:01Z',
})

const off = (name: string, condition?: ConditionType): StepResult => ({
  step: step(name, condition),
  outcome: { kind: 'off', reason: 'Paused', message: `${name} rests` },
})

test('NetworkPolicyEnforced is as it was tried, stays while nobody knows, and goes when nothing is to be enforced', () => {
  const results = [done('a')]
  const of = (
    status: Parameters<typeof statusOf>[0]['tenant']['status'],
    enforcement: Parameters<typeof statusOf>[0]['enforcement'],
  ) => statusOf({ tenant: aTenantControlPlane({ status }), results, versionRuns: true, enforcement, now })
  const seen = (status: ReturnType<typeof of>) => status.conditions?.find(({ type }) => type === 'NetworkPolicyEnforced')
  const tried = of(undefined, { status: 'False', reason: 'NotEnforced', message: 'm' })
  expect(seen(tried)).toMatchObject({ status: 'False', reason: 'NotEnforced' })
  expect(seen(of(tried, 'unknown'))).toEqual(seen(tried))
  expect(seen(of(tried, undefined))).toBeUndefined()
  expect(seen(of(undefined, 'unknown'))).toBeUndefined()
  expect(of(tried, { status: 'True', reason: 'Enforced', message: 'm' }).timings).not.toHaveProperty('NetworkPolicyEnforced')
})

describe('readyOf', () => {
  test.for<[name: string, results: StepResult[], wanted: Partial<Condition>]>([
    ['is true when all steps are done', [done('a'), done('b')], { status: 'True', reason: 'Usable' }],
    ['says the first step that is under way', [done('a'), waits('b'), waits('c')], { status: 'False', message: 'b: b starts' }],
    ['says what is awaited, not who waits', [waits('a', { reason: 'Waiting' }), waits('b')], { message: 'b: b starts' }],
    [
      'says trouble before progress',
      [waits('a'), waits('b', { problem: true, reason: 'CrashLooping' })],
      { reason: 'CrashLooping' },
    ],
    [
      'says an error before all else',
      [waits('a', { problem: true }), { step: step('b'), error: new AppError('KUBE_FORBIDDEN', 'no') }],
      { reason: 'KubeForbidden', message: 'b: no' },
    ],
    [
      'says what a pause still waits for',
      [done('a'), off('b'), waits('c', { reason: 'Pausing' }), waits('d', { reason: 'Waiting' })],
      { status: 'False', reason: 'Pausing', message: 'c: c starts' },
    ],
    ['says that a pause is complete', [done('a'), off('b'), off('c')], { status: 'False', reason: 'Paused' }],
  ])('%s', ([, results, wanted]) => {
    expect(readyOf(results, aTenantControlPlane())).toMatchObject(wanted)
  })
})

describe('statusOf', () => {
  const results = [done('certificates', 'CertificatesReady'), waits('etcd', {}, 'DataStoreReady')]

  test('has a condition for each step that has one, and the time of those that came true', () => {
    const status = statusOf({ tenant: aTenantControlPlane(), results, versionRuns: false, now })
    expect(status.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'CertificatesReady=True',
      'DataStoreReady=False',
      'Ready=False',
    ])
    expect(status.timings).toEqual({ CertificatesReady: 10 })
    expect(status.version).toBeUndefined()
  })

  test('has no time of a condition that comes and goes', () => {
    const disks = { condition: { status: 'True', reason: 'Growing', message: 'disks grow' } } as const
    const status = statusOf({ tenant: aTenantControlPlane(), results, versionRuns: false, disks, now })
    expect(status.conditions?.map(({ type }) => type)).toContain('Growing')
    expect(status.timings).toEqual({ CertificatesReady: 10 })
  })

  test('is the same again for the same answers, however late', () => {
    const first = statusOf({ tenant: aTenantControlPlane(), results, versionRuns: true, now })
    const tenant = aTenantControlPlane({ status: first })
    const later = new Date(now.getTime() + 60_000)
    expect(isSameStatus(first, statusOf({ tenant, results, versionRuns: true, now: later }))).toBe(true)
  })

  test('says how an upgrade stands until it is done, and that it has failed as long as it is asked for', () => {
    const upgrade = (phase: UpgradeStatus['phase']): UpgradeStatus => ({
      from: 'v1.36.3',
      to: 'v1.37.1',
      request: 'r',
      phase,
      message: `is ${phase}`,
      startedAt: '2026-06-01T00:00:00Z',
    })
    const tenant = aTenantControlPlane({ status: { version: 'v1.36.3' } })
    const said = (status: ReturnType<typeof statusOf>) => status.conditions?.find(({ type }) => type === 'Upgrading')
    const under = statusOf({ tenant, results, versionRuns: false, upgrade: upgrade('RollingOut'), now })
    expect(said(under)).toMatchObject({ status: 'True', reason: 'RollingOut', message: 'is RollingOut' })
    const before = aTenantControlPlane({ status: under })
    const failed = statusOf({ tenant: before, results, versionRuns: true, upgrade: upgrade('Failed'), now })
    expect(said(failed)).toMatchObject({ status: 'False', reason: 'Failed' })
    const done = statusOf({ tenant: before, results, versionRuns: true, upgrade: upgrade('Done'), now })
    expect([said(done), done.version, done.upgrade?.phase]).toEqual([undefined, 'v1.37.1', 'Done'])
    const forgotten = statusOf({ tenant: aTenantControlPlane({ status: failed }), results, versionRuns: true, now })
    expect([said(forgotten), forgotten.upgrade]).toEqual([undefined, undefined])
  })

  test('says that syncing is frozen while it is', () => {
    const frozen = waits('syncer', { reason: 'Frozen', problem: true }, 'SyncReady')
    const under = statusOf({ tenant: aTenantControlPlane(), results: [frozen], versionRuns: true, now })
    expect(under.conditions).toContainEqual(expect.objectContaining({ type: 'Frozen', status: 'True' }))
    const after = statusOf({
      tenant: aTenantControlPlane({ status: under }),
      results: [done('syncer', 'SyncReady')],
      versionRuns: true,
      now,
    })
    expect(after.conditions?.some(({ type }) => type === 'Frozen')).toBe(false)
  })
})

describe('the status of a tenant with another way in', () => {
  const exposed = { spec: { apiServer: { exposure: { type: 'NodePort' } } }, status: { serviceSlice: '10.96.4.0/24' } }
  const waiting = (endpoint: string) =>
    waits('kubeconfig', { reason: 'WaitsForCertificate', serves: true, endpoint } as Partial<StepOutcome>, 'Exposed')
  const published = (endpoint: string): StepResult => ({
    step: step('kubeconfig', 'Exposed'),
    outcome: { kind: 'done', reason: 'Published', message: 'm', endpoint },
  })
  const of = (given: Parameters<typeof aTenantControlPlane>[0], result: StepResult) =>
    statusOf({ tenant: aTenantControlPlane(given), results: [result, done('b', 'DNSReady')], versionRuns: true, now })
  const said = ({ conditions, endpoint }: ReturnType<typeof statusOf>) => [
    endpoint,
    ...(conditions ?? []).filter(({ type }) => type !== 'DNSReady').map(({ type, status }) => `${type}=${status}`),
  ]

  test('says what the kubeconfig names, is Ready meanwhile, and has no word of it when none is wanted', () => {
    expect(said(of(exposed, waiting('https://old')))).toEqual(['https://old', 'Exposed=False', 'Ready=True'])
    expect(said(of(exposed, published('https://new')))).toEqual(['https://new', 'Exposed=True', 'Ready=True'])
    const status = of(exposed, published('https://new'))
    expect(said(of({ status }, waiting('https://new')))).toEqual(['https://new', 'Exposed=False', 'Ready=True'])
    expect(said(of({ status }, published('https://own')))).toEqual(['https://own', 'Ready=True'])
  })

  test('keeps what the kubeconfig names in a round that does not get so far', () => {
    const status = of(exposed, published('https://new'))
    const failed: StepResult = { step: step('kubeconfig', 'Exposed'), error: new AppError('KUBE_TIMEOUT', 'no') }
    expect(of({ ...exposed, status }, failed).endpoint).toBe('https://new')
  })
})

describe('the status of a paused tenant', () => {
  const steps = ['DataStoreReady', 'APIServerReady'] as const
  const paused = steps.map((type) => off(type, type))

  test('says so, with all that rests, for as long as it lasts', () => {
    const under = statusOf({ tenant: aTenantControlPlane(), results: paused, versionRuns: false, now })
    expect(under.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
      'DataStoreReady=False Paused',
      'APIServerReady=False Paused',
      'Ready=False Paused',
      'Paused=True Paused',
    ])
    const tenant = aTenantControlPlane({ status: under })
    const waking = statusOf({
      tenant,
      results: [off('a', 'DNSReady'), waits('b', {}, 'DataStoreReady')],
      versionRuns: false,
      now,
    })
    const pausedOf = (conditions: readonly Condition[] = []) => conditions.find(({ type }) => type === 'Paused')
    expect(pausedOf(waking.conditions)).toMatchObject({ status: 'False', reason: 'Pausing' })
    const again = aTenantControlPlane({ status: waking })
    const woken = statusOf({ tenant: again, results: [waits('b', {}, 'DataStoreReady')], versionRuns: false, now })
    expect(pausedOf(woken.conditions)).toMatchObject({ status: 'False', reason: 'Running' })
  })

  test('says why it goes on running when a pause would lose its data', () => {
    const results = [done('etcd', 'DataStoreReady')]
    const under = statusOf({ tenant: aTenantControlPlane(), results, versionRuns: true, pauseRefusal: 'not paused: so', now })
    expect(under.conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
      'DataStoreReady=True Serving',
      'Ready=True Usable',
      'Paused=False DataWouldBeLost',
    ])
  })
})

describe('the status of a tenant that moves to another data store', () => {
  const from = { kind: 'dedicated', storageSize: '2Gi' } as const
  const begun = { id: 'a', from, to: { kind: 'shared', name: 'pool' }, message: 'so far', startedAt: '', phaseAt: '' } as const
  const resting: StepResult[] = [
    done('data store', 'DataStoreReady'),
    { step: step('API server', 'APIServerReady'), outcome: { kind: 'off', reason: 'Moving', message: '' } },
  ]
  const statusIn = (move: StoreMove | undefined, results: readonly StepResult[] = [done('API server', 'APIServerReady')]) =>
    statusOf({ tenant: aTenantControlPlane(), results, versionRuns: true, store: { dataStore: from, move }, now })
  const conditionIn = (status: ReturnType<typeof statusIn>, type: ConditionType) =>
    status.conditions?.find((each) => each.type === type)

  test('says where its data are, and that its API is away on purpose, and is no pause', () => {
    const status = statusIn({ ...begun, phase: 'Copying' }, resting)
    expect(status.dataStore).toEqual(from)
    expect(conditionIn(status, 'Ready')).toMatchObject({ status: 'False', reason: 'Moving' })
    expect(conditionIn(status, 'Moving')).toMatchObject({ status: 'True', reason: 'Copying', message: 'so far' })
    expect(conditionIn(status, 'Paused')).toBeUndefined()
  })

  test.for<[name: string, move: StoreMove | undefined, wanted: object | undefined]>([
    ['says why it cannot move', { ...begun, phase: 'Checking', isRefused: true }, { status: 'False', reason: 'Refused' }],
    ['says that a move failed', { ...begun, phase: 'Failed' }, { status: 'False', reason: 'Failed' }],
    ['has nothing more to say once it has moved', { ...begun, phase: 'Done' }, undefined],
    ['says nothing when nothing moves', undefined, undefined],
  ])('%s', ([, move, wanted]) => {
    const told = conditionIn(statusIn(move), 'Moving')
    if (wanted) expect(told).toMatchObject(wanted)
    else expect(told).toBeUndefined()
  })

  test('stays as it was after a round that got nowhere', () => {
    const status = statusIn({ ...begun, phase: 'Copying' }, resting)
    const tenant = { ...aTenantControlPlane(), status }
    const after = statusOf({
      tenant,
      results: [{ step: step('certificates'), error: new Error('away') }],
      versionRuns: false,
      now,
    })
    expect(after).toMatchObject({ dataStore: from, move: { phase: 'Copying' } })
    expect(conditionIn(after, 'Moving')).toMatchObject({ status: 'True' })
  })
})

describe('transitionsOf', () => {
  test.for<[name: string, before: Condition[], after: Condition[], problems: ConditionType[], told: string[]]>([
    ['tells what came true', [], [condition('DNSReady', 'True')], [], ['Normal DNSReady']],
    ['is silent on what stays', [condition('DNSReady', 'True')], [condition('DNSReady', 'True')], [], []],
    ['is silent on what only starts', [], [condition('DNSReady', 'False', 'Starting')], [], []],
    ['warns of what is no longer true', [condition('Ready', 'True')], [condition('Ready', 'False')], [], ['Warning NotReady']],
    [
      'warns of trouble of what serves on',
      [condition('APIServerReady', 'True', 'Serving')],
      [condition('APIServerReady', 'True', 'CrashLooping')],
      ['APIServerReady'],
      ['Warning CrashLooping'],
    ],
    ['is silent on the way to another way in', [condition('Exposed', 'True')], [condition('Exposed', 'False')], [], []],
    [
      'warns of a way in that is refused',
      [condition('Exposed', 'False', 'Starting')],
      [condition('Exposed', 'False', 'ServiceRefused')],
      ['Exposed'],
      ['Warning ServiceRefused'],
    ],
    [
      'warns of new trouble once',
      [condition('DataStoreReady', 'False', 'Starting')],
      [condition('DataStoreReady', 'False', 'CrashLooping')],
      ['DataStoreReady'],
      ['Warning CrashLooping'],
    ],
    [
      'tells a pause once, and not as trouble',
      [condition('Ready', 'True'), condition('APIServerReady', 'True')],
      [
        condition('Ready', 'False', 'Paused'),
        condition('APIServerReady', 'False', 'Waiting'),
        condition('Paused', 'True', 'Paused'),
      ],
      [],
      ['Normal Paused'],
    ],
    [
      'tells that a pause is over',
      [condition('Paused', 'False', 'Waking')],
      [condition('Paused', 'False', 'Running')],
      [],
      ['Normal Resumed'],
    ],
    ['tells it once', [condition('Paused', 'False', 'Running')], [condition('Paused', 'False', 'Running')], [], []],
    ['tells that an upgrade is over', [condition('Upgrading', 'True', 'Verifying')], [], [], ['Normal UpgradeEnded']],
    ['says nothing of one that failed before', [condition('Upgrading', 'False', 'Failed')], [], [], []],
    [
      'tells what else is over',
      [condition('Restoring', 'True'), condition('Moving', 'True'), condition('RotatingCA', 'True'), condition('Frozen', 'True')],
      [],
      [],
      ['Normal RestoreEnded', 'Normal MoveEnded', 'Normal RotationEnded'],
    ],
    [
      'does not repeat trouble',
      [condition('DataStoreReady', 'False', 'CrashLooping')],
      [condition('DataStoreReady', 'False', 'CrashLooping')],
      ['DataStoreReady'],
      [],
    ],
  ])('%s', ([, before, after, problems, told]) => {
    expect(transitionsOf(before, after, new Set(problems)).map(({ type, reason }) => `${type} ${reason}`)).toEqual(told)
  })
})
