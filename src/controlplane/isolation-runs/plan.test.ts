import { describe, expect, test } from 'vitest'
import type { TenantControlPlaneStatus } from '../../apis/tenant-status.ts'
import { isolationVerifyName } from '../../tenancy/names.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import { grantOf, runsOf } from './objects.ts'
import { runFacts, runTrouble, surplus } from './plan.ts'

const now = new Date('2026-11-23T05:00:00Z')
const images = { image: 'berth:1', registry: 'r.example.org' }
const verify = (schedule: string, more: object = {}) => ({ isolation: { verify: { schedule } }, ...more })
const apart: TenantControlPlaneStatus = { superCluster: { uid: 'u', isApart: true } }

describe('trouble with a schedule', () => {
  test.for<
    [name: string, spec: Record<string, unknown>, status: TenantControlPlaneStatus | undefined, reason: string | undefined]
  >([
    ['none', verify('30 3 * * *'), undefined, undefined],
    ['no schedule', {}, apart, undefined],
    ['an hour that is none', verify('0 25 * * *'), undefined, 'ScheduleInvalid'],
    ['words', verify('a b c d e'), undefined, 'ScheduleInvalid'],
    ['every minute', verify('* * * * *'), undefined, 'ScheduleInvalid'],
    ['twice within five minutes, once a day', verify('0,5 3 * * *'), undefined, 'ScheduleInvalid'],
    ['close over an hour', verify('59,0 * * * *'), undefined, 'ScheduleInvalid'],
    ['every quarter of an hour', verify('*/15 * * * *'), undefined, undefined],
    ['once in four years', verify('0 0 29 2 *'), undefined, undefined],
    ['never', verify('0 0 30 2 *'), undefined, undefined],
    ['pods in another cluster', verify('30 3 * * *'), apart, 'SuperApart'],
    ['a class that nobody has looked at', verify('a b c d e', { className: 'gold' }), undefined, undefined],
  ])('%s', ([, spec, status, reason]) => {
    const tenant = aTenantControlPlane({ spec, ...(status && { status }) })
    expect(runTrouble(tenant, { image: images.image, now })?.reason).toBe(reason)
  })

  test('names the field, as that of snapshots does, and what to do', () => {
    const told = runTrouble(aTenantControlPlane({ spec: verify('0 25 * * *') }), { image: 'i', now })
    expect(told?.message).toMatch(/^spec\.isolation\.verify\.schedule: /)
    expect(runTrouble(aTenantControlPlane({ spec: verify('0 3 * * *') }), { image: undefined, now })?.reason).toBe('NoImage')
  })
})

describe('the runs of a tenant', () => {
  const tenant = aTenantControlPlane({ spec: verify('30 3 * * *') })
  const runs = runsOf(tenant, '30 3 * * *', images)
  const pod = runs.spec.jobTemplate.spec.template.spec
  const [container] = pod.containers

  test('are one at a time, in UTC, with an end, and none while it rests', () => {
    expect(runs.spec).toMatchObject({
      schedule: '30 3 * * *',
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Forbid',
      suspend: false,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
    })
    expect(runs.spec.jobTemplate.spec).toMatchObject({ backoffLimit: 0, activeDeadlineSeconds: 900 })
    for (const state of ['Paused', 'Hibernated']) {
      const resting = aTenantControlPlane({ spec: verify('30 3 * * *', { state }) })
      expect(runsOf(resting, '30 3 * * *', images).spec.suspend).toBe(true)
    }
  })

  test('are of Berth, of this tenant alone, with the image of the registry that was named', () => {
    expect(container.image).toBe('berth:1')
    expect(container.command).toEqual([
      '/usr/local/bin/node',
      '/app/dist/bin/cli.js',
      'isolation',
      'verify',
      'acme',
      '--namespace=home',
      '--record',
      '--image=r.example.org/e2e-test-images/agnhost:2.66.1',
    ])
  })

  test('may do nothing on their node, and have the token of their own account only', () => {
    expect(pod).toMatchObject({
      serviceAccountName: 'berth-isolation-verify',
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(pod.volumes).toBeUndefined()
    expect(container).toMatchObject({
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
      resources: { requests: expect.any(Object), limits: expect.any(Object) },
    })
    expect(grantOf('home')).toMatchObject({ metadata: { namespace: 'home' }, roleRef: { kind: 'ClusterRole' } })
  })

  test('have a name with room for that of a Job, of this very tenant', () => {
    const long = isolationVerifyName({ uid: 'a', name: 'x'.repeat(63) })
    expect(long.length).toBeLessThanOrEqual(52)
    expect(isolationVerifyName({ uid: 'b', name: 'x'.repeat(63) })).not.toBe(long)
  })

  test('are made anew only for what they are made of', () => {
    const facts = runFacts(tenant)
    expect(runFacts(aTenantControlPlane())).toBe('')
    expect(runFacts({ ...tenant, metadata: { ...tenant.metadata, deletionTimestamp: 'now' } })).toBe('')
    expect(runFacts({ ...tenant, metadata: { ...tenant.metadata, resourceVersion: '7' } })).toBe(facts)
    for (const other of [verify('31 3 * * *'), verify('30 3 * * *', { state: 'Paused' })])
      expect(runFacts(aTenantControlPlane({ spec: other }))).not.toBe(facts)
  })

  test('go when nobody wants them, and those that go already are left alone', () => {
    const other = { ...runs, metadata: { ...runs.metadata, name: 'other' } }
    const going = { ...other, metadata: { ...other.metadata, deletionTimestamp: 'now' } }
    expect(surplus([runs, other], [runs])).toEqual([other])
    expect(surplus([going], [])).toEqual([])
  })
})
