import { expect, test } from 'vitest'
import type { TenantControlPlaneStatus } from '../../apis/tenant-status.ts'
import type { UpgradeStatus } from '../../apis/upgrade.ts'
import { upgradeProgressOf } from './tenant-upgrade.ts'

const upgrade = (phase: UpgradeStatus['phase'], to = 'v1.37.1'): UpgradeStatus => ({
  from: 'v1.36.3',
  to,
  request: 'r',
  phase,
  message: 'as it is',
  startedAt: '2026-06-01T00:00:00Z',
})

test.each<[string, TenantControlPlaneStatus, string, RegExp]>([
  ['not seen yet', { observedGeneration: 2, version: 'v1.37.1' }, 'under way', /not looked at it yet/],
  ['not begun', { observedGeneration: 3, version: 'v1.36.3' }, 'under way', /v1\.36\.3 runs yet/],
  [
    'after another one',
    { observedGeneration: 3, version: 'v1.36.3', upgrade: upgrade('Done', 'v1.36.3') },
    'under way',
    /runs yet/,
  ],
  ['at the window', { observedGeneration: 3, version: 'v1.36.3', upgrade: upgrade('Waiting') }, 'under way', /Waiting: as it is/],
  ['blocked', { observedGeneration: 3, version: 'v1.36.3', upgrade: upgrade('Blocked') }, 'under way', /Blocked: as it is/],
  [
    'all at it, but not looked at',
    { observedGeneration: 3, version: 'v1.37.1', upgrade: upgrade('Verifying') },
    'under way',
    /Verif/,
  ],
  ['given up', { observedGeneration: 3, version: 'v1.36.3', upgrade: upgrade('Failed') }, 'refused', /Failed: as it is/],
  ['done', { observedGeneration: 3, version: 'v1.37.1', upgrade: upgrade('Done') }, 'there', /v1\.37\.1 runs/],
  ['there from the beginning', { observedGeneration: 3, version: 'v1.37.1' }, 'there', /v1\.37\.1 runs/],
])('an upgrade that is %s', (_, status, kind, message) => {
  const progress = upgradeProgressOf({ metadata: { generation: 3 }, status }, 'v1.37.1')
  expect(progress.kind).toBe(kind)
  expect(progress.message).toMatch(message)
})
