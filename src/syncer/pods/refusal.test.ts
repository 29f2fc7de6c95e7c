import { describe, expect, test } from 'vitest'
import { aSyncContext, aTenantPod } from '../../testing/sync-builders.ts'
import type { Pod } from './pod.ts'
import { podRefusal } from './refusal.ts'

const refusalOf = (
  spec: Record<string, unknown>,
  podSecurity: 'privileged' | 'baseline' | 'restricted' = 'privileged',
  wanted = {},
) => podRefusal(aTenantPod(spec, wanted) as Pod, aSyncContext({ isolation: { profile: podSecurity } }))
const container = (fields: Record<string, unknown>) => ({ containers: [{ name: 'main', ...fields }] })
const volume = (source: Record<string, unknown>) => ({ volumes: [{ name: 'data', ...source }] })

describe('at every level', () => {
  test.for<[name: string, spec: Record<string, unknown>, reason: string, message: RegExp]>([
    ['an unknown field', { teleport: true }, 'FieldNotSupported', /^spec\.teleport: /],
    ['an unknown container field', container({ warp: 9 }), 'FieldNotSupported', /^spec\.containers\[main\]\.warp: /],
    ['an unknown volume source', volume({ wormhole: {} }), 'FieldNotSupported', /^spec\.volumes\[data\]\.wormhole: /],
    [
      'an unknown env source',
      container({ env: [{ name: 'E', valueFrom: { oracle: {} } }] }),
      'FieldNotSupported',
      /env\[E\]\.valueFrom\.oracle/,
    ],
    ['resource claims', { resourceClaims: [{ name: 'gpu' }] }, 'FieldNotSupported', /resourceClaims/],
    ['a scheduling group', { schedulingGroup: { podGroupName: 'g' } }, 'FieldNotSupported', /schedulingGroup/],
    ['another scheduler', { schedulerName: 'volcano' }, 'SchedulerNotSupported', /volcano/],
    ['gitRepo', volume({ gitRepo: { repository: 'x' } }), 'FieldNotSupported', /gitRepo/],
    ['glusterfs', volume({ glusterfs: {} }), 'FieldNotSupported', /glusterfs/],
    [
      'a long FQDN',
      { setHostnameAsFQDN: true, hostname: 'h'.repeat(30), subdomain: 's'.repeat(30) },
      'FQDNTooLong',
      /at most 63/,
    ],
  ])('%s', ([, spec, reason, message]) => {
    expect(refusalOf(spec)).toEqual({ reason, message: expect.stringMatching(message) })
  })

  test('a runtime class that the tenant may not use', () => {
    const pod = aTenantPod({ runtimeClassName: 'gvisor' }) as Pod
    const classes = { allows: (kind: string, name: string) => kind === 'RuntimeClass' && name === 'kata' }
    expect(podRefusal(pod, aSyncContext({ classes }))).toEqual({
      reason: 'RuntimeClassNotAllowed',
      message: expect.stringContaining('gvisor'),
    })
    expect(podRefusal(aTenantPod({ runtimeClassName: 'kata' }) as Pod, aSyncContext({ classes }))).toBeUndefined()
  })

  test('an inline volume of a driver that the operator has not named', () => {
    const pod = aTenantPod(volume({ csi: { driver: 'csi.example' } })) as Pod
    expect(podRefusal(pod, aSyncContext({ policy: { inlineCSIDrivers: ['other.example'] } }))).toEqual({
      reason: 'InlineVolumeNotAllowed',
      message: expect.stringContaining('csi.example'),
    })
    expect(podRefusal(pod, aSyncContext({ policy: { inlineCSIDrivers: ['csi.example'] } }))).toBeUndefined()
  })

  test('a mirror pod', () => {
    const metadata = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
    expect(refusalOf({}, 'privileged', { metadata })?.reason).toBe('MirrorPodNotSupported')
  })
})

test('an everyday pod goes down at any level', () => {
  const spec = {
    schedulerName: 'default-scheduler',
    dnsPolicy: 'ClusterFirst',
    enableServiceLinks: true,
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    securityContext: {},
    hostUsers: false,
    terminationGracePeriodSeconds: 30,
    volumes: [{ name: 'scratch', emptyDir: {} }],
  }
  for (const level of ['privileged', 'baseline', 'restricted'] as const) expect(refusalOf(spec, level)).toBeUndefined()
})

test('a debug container does not make its running pod a refused one', () => {
  expect(
    refusalOf({ ephemeralContainers: [{ name: 'debug', securityContext: { privileged: true } }] }, 'restricted'),
  ).toBeUndefined()
})
