import { describe, expect, test } from 'vitest'
import { type IsolationRecord, isolationRecordText } from '../tenancy/isolation-record.ts'
import { isolationVerifiedAnnotation } from '../tenancy/marks.ts'
import { aTenantControlPlane } from '../testing/plane-builders.ts'
import { isolationVerified } from './isolation-verified.ts'
import { statusOf } from './status.ts'

const record: IsolationRecord = { at: '2026-11-23T04:00:00Z', generation: 3, pass: 24, notApplicable: 2, failed: [], unknown: [] }
const now = new Date('2026-11-23T05:00:00Z')
const withText = (text: string, spec: Record<string, unknown> = {}) => {
  const tenant = aTenantControlPlane({ spec })
  return { ...tenant, metadata: { ...tenant.metadata, annotations: { [isolationVerifiedAnnotation]: text } } }
}
const withRecord = (more: Partial<IsolationRecord> = {}) => withText(isolationRecordText({ ...record, ...more }))

describe('IsolationVerified', () => {
  test.for<[name: string, more: Partial<IsolationRecord>, wanted: object]>([
    ['true when all passed', {}, { status: 'True', reason: 'ChecksPassed', observedGeneration: 3 }],
    [
      'false when one failed',
      { failed: ['A'], unknown: ['B'] },
      { status: 'False', reason: 'ChecksFailed', message: expect.stringContaining('A failed') },
    ],
    ['unknown when one could not be carried out', { unknown: ['B'] }, { status: 'Unknown', reason: 'ChecksIncomplete' }],
  ])('%s', ([, more, wanted]) => {
    expect(isolationVerified(withRecord(more), { now })).toMatchObject({ type: 'IsolationVerified', ...wanted })
  })

  test.for(['', '{', '{}', '{"pass":-1}', JSON.stringify({ ...record, failed: 'all' })])('unknown for %j', (text) => {
    expect(isolationVerified(withText(text), { now })).toMatchObject({ status: 'Unknown', reason: 'RecordInvalid' })
  })

  test('is in the status while a run is recorded', () => {
    const of = (tenant: ReturnType<typeof aTenantControlPlane>) =>
      statusOf({ tenant, results: [], versionRuns: true, now }).conditions?.find(({ type }) => type === 'IsolationVerified')
    const tenant = withRecord()
    const told = of(tenant)
    expect(told?.status).toBe('True')
    expect(of({ ...aTenantControlPlane(), status: statusOf({ tenant, results: [], versionRuns: true, now }) })).toBeUndefined()
  })
})

describe('IsolationVerified of a tenant with a schedule', () => {
  const verify = (schedule: string) => ({ isolation: { verify: { schedule } } })
  const at = (time: string, schedule: string, spec: object = {}) =>
    withText(isolationRecordText({ ...record, at: time }), { ...verify(schedule), ...spec })

  test.for<[name: string, time: string, schedule: string, reason: string]>([
    ['of today', '2026-11-23T03:04:00Z', '0 3 * * *', 'ChecksPassed'],
    ['of the time before the last, which may still run', '2026-11-22T03:04:00Z', '0 3 * * *', 'ChecksPassed'],
    ['older than that', '2026-11-22T02:59:59Z', '0 3 * * *', 'VerdictStale'],
    ['of last week, of a schedule by the week', '2026-11-16T03:04:00Z', '0 3 * * 1', 'ChecksPassed'],
    ['of the week before that', '2026-11-15T03:04:00Z', '0 3 * * 1', 'VerdictStale'],
    ['old, of a schedule that has had one time only', '2020-02-01T00:00:00Z', '0 0 29 2 *', 'VerdictStale'],
    ['in which no time can be read', 'yesterday', '0 3 * * *', 'VerdictStale'],
  ])('a verdict %s', ([, time, schedule, reason]) => {
    const wanted = { status: reason === 'VerdictStale' ? 'Unknown' : 'True', reason, observedGeneration: 3 }
    expect(isolationVerified(at(time, schedule), { now })).toMatchObject(wanted)
  })

  test('without a verdict is unknown, and says when there will be one', () => {
    const tenant = aTenantControlPlane({ spec: verify('30 3 * * *') })
    expect(isolationVerified(tenant, { now })).toMatchObject({
      status: 'Unknown',
      reason: 'NotVerified',
      message: expect.stringContaining('2026-11-24T03:30:00Z'),
    })
  })

  test.for<[since: string, reason: string]>([
    ['2026-11-22T03:30:01Z', 'NotVerified'],
    ['2026-11-21T12:00:00Z', 'VerdictStale'],
  ])('without a verdict since %s: %s', ([lastTransitionTime, reason]) => {
    const condition = { type: 'IsolationVerified', status: 'Unknown', reason: 'NotVerified', message: '' } as const
    const status = { conditions: [{ ...condition, lastTransitionTime }] }
    const tenant = aTenantControlPlane({ spec: verify('30 3 * * *'), status })
    expect(isolationVerified(tenant, { now })).toMatchObject({ status: 'Unknown', reason })
  })

  test('that is stale while its tenant rests says so', () => {
    const message = expect.stringContaining('when the tenant does: spec.state')
    const tenant = at('2026-11-01T00:00:00Z', '0 3 * * *', { state: 'Paused' })
    expect(isolationVerified(tenant, { now })).toMatchObject({ reason: 'VerdictStale', message })
  })

  test('that does not run says why, whatever was recorded', () => {
    const trouble = { reason: 'NotInstalled', message: 'set isolationVerify.enabled' } as const
    const told = isolationVerified(at('2026-11-23T03:04:00Z', '0 3 * * *'), { now, trouble })
    expect(told).toEqual({ type: 'IsolationVerified', status: 'Unknown', ...trouble, observedGeneration: 3 })
  })

  test('a verdict without a schedule does not grow stale', () => {
    expect(isolationVerified(withRecord({ at: '2020-01-01T00:00:00Z' }), { now })?.status).toBe('True')
  })
})
