import { describe, expect, test } from 'vitest'
import type { TenantClass } from '../../apis/tenant-class.ts'
import type { TenantControlPlane } from '../../apis/tenant-control-plane.ts'
import { frozen } from '../../testing/frozen.ts'
import { applyClass } from './apply-class.ts'
import type { ClassRevision } from './revisions.ts'

type Given = Record<string, unknown>

const aTenant = (spec: Given, status?: Given) =>
  frozen({ metadata: { name: 'acme' }, spec, ...(status && { status }) }) as unknown as TenantControlPlane
const aClass = (limits: Given = {}) => frozen({ metadata: { name: 'gold' }, spec: { limits } }) as unknown as TenantClass
const aRevision = (defaults: Given = {}, sizes?: Given) =>
  frozen({ metadata: { name: 'gold-1' }, revision: 1, data: { defaults, ...(sizes && { sizes }) } }) as unknown as ClassRevision

const made = { serviceSlice: '10.96.4.0/24', version: 'v1.37.1' }
const of = (spec: Given) => ({ ...made, class: { name: 'gold', revision: 'gold-0', defaults: {}, spec } })
const gone = { tenantClass: undefined, revision: undefined }

describe('applyClass', () => {
  test.for<[name: string, tenant: TenantControlPlane, read: Parameters<typeof applyClass>[1], wanted: Given]>([
    ['a tenant without a class', aTenant({ size: 'large' }), gone, { kind: 'none', tenant: { spec: { size: 'large' } } }],
    [
      'a class and a revision',
      aTenant({ className: 'gold' }),
      { tenantClass: aClass(), revision: aRevision({ size: 'medium' }, { medium: {} }) },
      {
        kind: 'applied',
        condition: { status: 'True', reason: 'Applied' },
        tenant: {
          spec: { size: 'medium' },
          status: { class: { name: 'gold', revision: 'gold-1', sizes: { medium: {} }, spec: { size: 'medium' } } },
        },
      },
    ],
    ['no class, a new tenant', aTenant({ className: 'gold' }), gone, { kind: 'refused', condition: { reason: 'ClassMissing' } }],
    [
      'a class that has not given a revision yet',
      aTenant({ className: 'gold' }),
      { tenantClass: aClass(), revision: undefined },
      { kind: 'refused', condition: { reason: 'RevisionPending' } },
    ],
    [
      'no class, a tenant that runs: as it was, but for its own words',
      aTenant({ className: 'gold', size: 'large', state: 'Paused' }, of({ className: 'gold', size: 'medium' })),
      gone,
      {
        kind: 'applied',
        condition: { status: 'False', reason: 'ClassMissing' },
        tenant: {
          spec: { size: 'medium', state: 'Paused' },
          status: { class: { revision: 'gold-0', spec: { state: 'Paused' } } },
        },
      },
    ],
    [
      'a class that is not there, named by a tenant that ran without one',
      aTenant({ className: 'gold', size: 'large' }, made),
      gone,
      { kind: 'applied', condition: { reason: 'ClassMissing' }, tenant: { spec: { size: 'large' } } },
    ],
    [
      'beyond a limit, a new tenant',
      aTenant({ className: 'gold', size: 'large' }),
      { tenantClass: aClass({ sizes: ['small'] }), revision: aRevision() },
      { kind: 'refused', condition: { reason: 'LimitExceeded' } },
    ],
    [
      'beyond a limit, one that runs: that field as it was, the others as they are wanted',
      aTenant({ className: 'gold', size: 'large', apiServer: { replicas: 2 } }, of({ className: 'gold', size: 'small' })),
      { tenantClass: aClass({ sizes: ['small'] }), revision: aRevision() },
      {
        kind: 'applied',
        condition: { status: 'False', reason: 'LimitExceeded' },
        tenant: {
          spec: { size: 'small', apiServer: { replicas: 2 } },
          status: { class: { revision: 'gold-1', spec: { size: 'small' } } },
        },
      },
    ],
    [
      'all of it was noted with a version that is served no more',
      aTenant(
        { className: 'gold' },
        {
          ...made,
          version: 'v1.36.1',
          class: { name: 'gold', revision: 'gold-0', defaults: { version: 'v1.36.1' }, spec: { version: 'v1.36.1' } },
        },
      ),
      { tenantClass: aClass(), revision: aRevision({ version: 'v1.36.1' }) },
      { kind: 'applied', tenant: { spec: { version: 'v1.36.3' } } },
    ],
    [
      'its own version is served no more, and it has no class yet',
      aTenant({ className: 'gold' }, { ...made, version: 'v1.36.1' }),
      gone,
      { kind: 'applied', condition: { reason: 'ClassMissing' }, tenant: { spec: { version: 'v1.36.3' } } },
    ],
    [
      'a clone, where the class says a store that is not its own',
      aTenant({ className: 'gold', cloneFrom: { snapshotName: 'a' } }),
      { tenantClass: aClass(), revision: aRevision({ dataStore: { kind: 'shared', name: 'pool' } }) },
      {
        kind: 'refused',
        condition: { reason: 'CloneRefused', message: expect.stringMatching(/kind dedicated\. TenantClass gold says shared/) },
      },
    ],
    [
      'a clone with a store of its own there',
      aTenant({ className: 'gold', cloneFrom: { snapshotName: 'a' }, dataStore: { kind: 'dedicated' } }),
      { tenantClass: aClass(), revision: aRevision({ dataStore: { kind: 'shared', name: 'pool' } }) },
      { kind: 'applied', tenant: { spec: { dataStore: { kind: 'dedicated' } } } },
    ],
    [
      'a limit that what runs is beyond already: it goes on',
      aTenant({ className: 'gold', size: 'large' }, of({ className: 'gold', size: 'large' })),
      { tenantClass: aClass({ sizes: ['small'] }), revision: aRevision() },
      { kind: 'applied', condition: { reason: 'LimitExceeded' }, tenant: { spec: { size: 'large' } } },
    ],
    [
      'another class: its defaults, but for what is fixed',
      aTenant({ className: 'gold' }, of({ className: 'gold', size: 'large', dataStore: { storageSize: '5Gi' } })),
      { tenantClass: aClass(), revision: aRevision({ dataStore: { storageSize: '2Gi', replicas: 3 } }) },
      { kind: 'applied', tenant: { spec: { size: 'small', dataStore: { storageSize: '5Gi', replicas: 3 } } } },
    ],
    [
      'a disk that could not grow, and that the class takes back: what the disks have counts',
      aTenant(
        { className: 'gold' },
        {
          ...of({ className: 'gold', dataStore: { storageSize: '9Gi' } }),
          dataStore: { kind: 'dedicated', storageSize: '5Gi' },
        },
      ),
      { tenantClass: aClass(), revision: aRevision({ dataStore: { storageSize: '5Gi' } }) },
      { kind: 'applied', tenant: { spec: { dataStore: { storageSize: '5Gi' } } } },
    ],
  ])('%s', ([, tenant, read, wanted]) => {
    expect(applyClass(tenant, read)).toMatchObject(wanted)
  })

  test('notes the same for the same, and nothing that is stored otherwise', () => {
    const read = { tenantClass: aClass(), revision: aRevision({ size: 'medium' }) }
    const first = applyClass(aTenant({ className: 'gold' }, made), read).tenant
    const again = applyClass(aTenant({ className: 'gold' }, { ...first.status }), read).tenant
    expect(again.status?.class).toEqual(first.status?.class)
    expect(JSON.parse(JSON.stringify(first.status?.class))).toEqual(first.status?.class)
  })
})
