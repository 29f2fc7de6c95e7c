import { describe, expect, test } from 'vitest'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { classMovedAtAnnotation, classRevisionAnnotation } from '../../tenancy/marks.ts'
import { frozen } from '../../testing/frozen.ts'
import { tenantView } from './tenant-view.ts'

const revision = 'gold-plus-0123456789ab'
const of = { className: 'gold-plus', known: new Set([revision]) }
type Said = readonly [type: string, status: string, reason: string]

const well: readonly Said[] = [
  ['DataStoreReady', 'True', 'Serving'],
  ['APIServerReady', 'True', 'Serving'],
  ['ControllerManagerReady', 'True', 'Running'],
  ['Ready', 'True', 'Usable'],
]
const but = (...changed: readonly Said[]): readonly Said[] => [
  ...well.filter(([type]) => !changed.some(([other]) => other === type)),
  ...changed,
]

const aTenant = (conditions: readonly Said[], { noted = revision, told = revision, observed = 2 } = {}) =>
  frozen({
    metadata: {
      name: 'acme',
      namespace: 'home',
      generation: 2,
      annotations: { ...(told && { [classRevisionAnnotation]: told }), [classMovedAtAnnotation]: '2026-06-01T00:00:00Z' },
    },
    spec: {},
    status: {
      observedGeneration: observed,
      class: { name: 'gold-plus', revision: noted },
      conditions: conditions.map(([type, status, reason]) => ({ type, status, reason, message: `${type} says` })),
    },
  }) as unknown as TenantControlPlane

describe('tenantView', () => {
  test.for<[name: string, tenant: TenantControlPlane, health: object]>([
    ['all is as wanted', aTenant(well), { kind: 'ready' }],
    ['the manager has not seen the revision', aTenant(well, { noted: 'gold-plus-other' }), { kind: 'progressing' }],
    ['nor the newest spec', aTenant(well, { observed: 1 }), { kind: 'progressing' }],
    [
      'it serves while it is rolled',
      aTenant(but(['APIServerReady', 'True', 'RollingOut'])),
      { kind: 'progressing', message: 'APIServerReady: APIServerReady says' },
    ],
    ['it is not ready', aTenant(but(['Ready', 'False', 'Starting'])), { kind: 'progressing', message: 'Ready says' }],
    ['its version is on the way', aTenant(but(['Upgrading', 'True', 'RollingOut'])), { kind: 'held' }],
    ['its version waits for a window', aTenant(but(['Upgrading', 'True', 'Waiting'])), { kind: 'held' }],
    [
      'its version waits for a person to look at it',
      aTenant(but(['Upgrading', 'True', 'Waiting'], ['Frozen', 'True', 'Restored'])),
      { kind: 'progressing', message: 'Upgrading: Upgrading says' },
    ],
    [
      'its version waits for it to be ready',
      aTenant(but(['Upgrading', 'True', 'Waiting'], ['Ready', 'False', 'Starting'])),
      { kind: 'progressing', message: 'Ready says' },
    ],
    [
      'its version waits, and it cannot become ready',
      aTenant(but(['Upgrading', 'True', 'Waiting'], ['APIServerReady', 'False', 'CrashLooping'])),
      { kind: 'failed', message: 'APIServerReady: APIServerReady says' },
    ],
    [
      'its version waits as it is paused, perhaps for ever',
      aTenant(but(['Upgrading', 'True', 'Waiting'], ['Ready', 'False', 'Paused'])),
      { kind: 'ready' },
    ],
    [
      'it hibernates since before its version was changed',
      aTenant(but(['Upgrading', 'True', 'Waiting'], ['Ready', 'False', 'Hibernated'])),
      { kind: 'ready' },
    ],
    [
      'its version was given up, and it was paused then',
      aTenant(but(['Upgrading', 'False', 'Failed'], ['Ready', 'False', 'Paused'])),
      { kind: 'failed' },
    ],
    [
      'its data are restored, as its version cannot be run',
      aTenant(but(['Upgrading', 'True', 'RestoringData'], ['Ready', 'False', 'Restoring'])),
      { kind: 'held' },
    ],
    [
      'its version is on the way back by itself',
      aTenant(but(['Upgrading', 'True', 'GoingBack'], ['APIServerReady', 'True', 'CrashLooping'])),
      { kind: 'held' },
    ],
    ['its version needs a person', aTenant(but(['Upgrading', 'True', 'Blocked'])), { kind: 'failed' }],
    ['its version was given up', aTenant(but(['Upgrading', 'False', 'Failed'])), { kind: 'failed' }],
    [
      'it serves, and the new pod does not come up',
      aTenant(but(['APIServerReady', 'True', 'CrashLooping'])),
      { kind: 'failed', message: 'APIServerReady: APIServerReady says' },
    ],
    ['a flag is none', aTenant(but(['ControllerManagerReady', 'True', 'FlagRefused'])), { kind: 'failed' }],
    ['it is paused', aTenant(but(['Ready', 'False', 'Paused'], ['APIServerReady', 'False', 'Paused'])), { kind: 'ready' }],
    ['it was told nothing yet', aTenant(well, { told: '' }), { kind: 'progressing' }],
  ])('%s', ([, tenant, health]) => {
    expect(tenantView(tenant, of).health).toMatchObject(health)
  })

  test.for<[name: string, told: string, noted: string, revision: string | undefined]>([
    ['one of its class', revision, revision, revision],
    ['none', '', revision, undefined],
    ['one of a class whose name begins so', 'gold-plus-more-0123456789ab', revision, undefined],
    ['one of a class whose name is shorter', 'gold-0123456789ab', revision, undefined],
    ['one that was copied from elsewhere', 'gold-plus-000000000000', revision, undefined],
    ['one that is lost, which it runs by', 'gold-plus-000000000000', 'gold-plus-000000000000', 'gold-plus-000000000000'],
  ])('the revision that it was told counts only when it is of its class: %s', ([, told, noted, counted]) => {
    const view = tenantView(aTenant(well, { told, noted }), {
      ...of,
      known: new Set([...of.known, 'gold-plus-more-0123456789ab', 'gold-0123456789ab']),
    })
    expect(view.revision).toBe(counted)
    expect(view.movedAt?.toISOString()).toBe(counted && '2026-06-01T00:00:00.000Z')
  })
})
