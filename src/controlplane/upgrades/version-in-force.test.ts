import { describe, expect, test } from 'vitest'
import type { UpgradeStatus } from '../../apis/upgrade.ts'
import { aTenantControlPlane } from '../../testing/plane-builders.ts'
import { compareVersions, versionInForce } from './version-in-force.ts'

const upgrade = (phase: UpgradeStatus['phase'], from = 'v1.36.3', to = 'v1.37.1'): UpgradeStatus => ({
  from,
  to,
  phase,
  request: 'r',
  message: '',
  startedAt: '2026-06-01T00:00:00Z',
})

describe('the version in force', () => {
  test.each([
    ['before the first start it is the one that is wanted', undefined, undefined, 'v1.37.1'],
    ['without an upgrade it is the one that runs', 'v1.36.3', undefined, 'v1.36.3'],
    ['an upgrade that waits changes nothing', 'v1.36.3', upgrade('Waiting'), 'v1.36.3'],
    ['nor one that is blocked', 'v1.36.3', upgrade('Blocked'), 'v1.36.3'],
    ['nor one that saves the data', 'v1.36.3', upgrade('Saving'), 'v1.36.3'],
    ['it comes into force when it is rolled out', 'v1.36.3', upgrade('RollingOut'), 'v1.37.1'],
    ['it is in force while it is looked at', 'v1.37.1', upgrade('Verifying'), 'v1.37.1'],
    ['and stays so', 'v1.37.1', upgrade('Done'), 'v1.37.1'],
    ['on the way back it is the one before, whatever runs', 'v1.37.1', upgrade('GoingBack'), 'v1.36.3'],
    ['also while data are restored', 'v1.37.1', upgrade('RestoringData'), 'v1.36.3'],
    ['and after that', 'v1.36.3', upgrade('Failed'), 'v1.36.3'],
    ['one that is not served any more cannot be', 'v1.30.0', upgrade('Waiting', 'v1.30.0'), 'v1.37.1'],
  ] as const)('%s', (_, version, status, expected) => {
    const tenant = aTenantControlPlane({ status: { ...(version && { version }), ...(status && { upgrade: status }) } })
    expect(versionInForce(tenant)).toBe(expected)
  })

  test.each([
    ['v1.36.3', 'v1.37.1', -1],
    ['v1.37.1', 'v1.37.1', 0],
    ['v1.37.10', 'v1.37.9', 1],
    ['v1.9.9', 'v1.10.0', -1],
  ])('%s against %s', (a, b, expected) => {
    expect(Math.sign(compareVersions(a, b))).toBe(expected)
  })
})
