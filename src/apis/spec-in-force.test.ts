import { describe, expect, test } from 'vitest'
import { frozen } from '../testing/frozen.ts'
import { resolveSpec, specInForce } from './spec-in-force.ts'
import { type TenantControlPlane, tenantControlPlaneSpec } from './tenant-control-plane.ts'

type Given = Record<string, unknown>

describe('resolveSpec', () => {
  test.for<[name: string, given: { stored?: Given; defaults?: Given; before?: Given; running?: string }, wanted: Given]>([
    ['nothing said is every default', {}, { version: 'v1.37.1', size: 'small', dataStore: { kind: 'dedicated' } }],
    ['the class says what the tenant does not', { defaults: { size: 'large' } }, { size: 'large', state: 'Running' }],
    ['the tenant has the last word', { defaults: { size: 'large' }, stored: { size: 'medium' } }, { size: 'medium' }],
    [
      'fields of a group come from both',
      { defaults: { apiServer: { replicas: 3 } }, stored: { apiServer: { extraSANs: ['a.b'] } } },
      { apiServer: { replicas: 3, extraSANs: ['a.b'] } },
    ],
    [
      'so do flags',
      {
        defaults: { controllerManager: { extraArgs: { v: '1', a: '1' } } },
        stored: { controllerManager: { extraArgs: { v: '2' } } },
      },
      { controllerManager: { replicas: 1, extraArgs: { v: '2', a: '1' } } },
    ],
    [
      'a rule of classes is taken whole, so that one does not widen the other',
      {
        defaults: { sync: { classes: { storage: { selector: {} }, ingress: { allowed: ['x'] } } } },
        stored: { sync: { classes: { storage: { allowed: ['fast'] } } } },
      },
      { sync: { classes: { storage: { allowed: ['fast'] }, ingress: { allowed: ['x'] } } } },
    ],
    [
      'a node selector is taken whole',
      { defaults: { sync: { nodeSelector: { pool: 'a' } } }, stored: { sync: { nodeSelector: { zone: 'b' } } } },
      { sync: { nodeSelector: { zone: 'b' } } },
    ],
    [
      'a default of another kind of store says nothing',
      { defaults: { dataStore: { kind: 'shared', name: 'pool' } }, stored: { dataStore: { kind: 'dedicated' } } },
      { dataStore: { kind: 'dedicated', replicas: 1, storageSize: '2Gi' } },
    ],
    ['nothing said of the version is what runs', { running: 'v1.36.3', before: { version: 'v1.36.3' } }, { version: 'v1.36.3' }],
    ['the class may ask for a newer version', { running: 'v1.36.3', defaults: { version: 'v1.37.1' } }, { version: 'v1.37.1' }],
    ['and not for an older one', { running: 'v1.37.1', defaults: { version: 'v1.36.3' } }, { version: 'v1.37.1' }],
    ['of a new tenant it may', { defaults: { version: 'v1.36.3' } }, { version: 'v1.36.3' }],
    ['what runs is served no more: the same minor that is', { running: 'v1.36.1' }, { version: 'v1.36.3' }],
    ['so is what the class asks for', { running: 'v1.36.1', defaults: { version: 'v1.37.0' } }, { version: 'v1.37.1' }],
    ['of a minor that is gone: the oldest', { running: 'v1.35.9' }, { version: 'v1.36.3' }],
    ['of a minor that is to come: the newest', { running: 'v1.40.0' }, { version: 'v1.37.1' }],
    [
      'what is fixed stays when the class says something else',
      {
        defaults: {
          dataStore: { storageSize: '1Gi', storageClassName: 'fast', replicas: 3 },
          network: { clusterDomain: 'a.b' },
        },
        before: { dataStore: { storageSize: '5Gi' }, network: { clusterDomain: 'c.d' } },
      },
      {
        dataStore: { kind: 'dedicated', storageSize: '5Gi', replicas: 3 },
        network: { clusterDomain: 'c.d', maxServiceSlices: 4 },
      },
    ],
    [
      'a disk that the class makes larger grows',
      { defaults: { dataStore: { storageSize: '10Gi' } }, before: { dataStore: { storageSize: '5Gi' } } },
      { dataStore: { kind: 'dedicated', storageSize: '10Gi', replicas: 1 } },
    ],
    [
      'and when it says nothing any more',
      { before: { dataStore: { kind: 'shared', name: 'pool' } } },
      { dataStore: { kind: 'shared', name: 'pool', replicas: 1, storageSize: '2Gi' } },
    ],
    [
      'what a tenant itself says of its store is not held by what was',
      { stored: { dataStore: { kind: 'shared', name: 'b' } }, before: { dataStore: { kind: 'shared', name: 'a' } } },
      { dataStore: { kind: 'shared', name: 'b', replicas: 1, storageSize: '2Gi' } },
    ],
  ])('%s', ([, { stored = {}, defaults = {}, before, running }, wanted]) => {
    const spec = resolveSpec(
      frozen({ stored, defaults, running, before: before === undefined ? undefined : tenantControlPlaneSpec.parse(before) }),
    )
    for (const [field, value] of Object.entries(wanted)) {
      const said = spec[field as keyof typeof spec]
      if (field === 'dataStore' && Object.keys(value as object).length > 1) expect(said).toEqual(value)
      else if (typeof value === 'object') expect(said).toMatchObject(value as object)
      else expect(said).toEqual(value)
    }
  })

  test('throws for what the schema does not know, a version that its user says for one', () => {
    expect(() => resolveSpec({ stored: { size: 'huge' }, defaults: {} })).toThrow(/size/)
    expect(() => resolveSpec({ stored: { version: 'v1.36.1' }, defaults: {} })).toThrow(/version/)
  })
})

describe('specInForce', () => {
  const aTenant = (spec: object, status?: object): TenantControlPlane =>
    frozen({ metadata: { name: 'acme' }, spec, ...(status && { status }) }) as unknown as TenantControlPlane

  test('of a tenant with a class that was noted with a version which is served no more has the one in its place', () => {
    const noted = { name: 'a', defaults: {}, spec: { className: 'a', version: 'v1.36.1' } }
    expect(specInForce(aTenant({ className: 'a' }, { version: 'v1.36.1', class: noted })).version).toBe('v1.36.3')
  })

  test.for<[name: string, tenant: TenantControlPlane, profile: string]>([
    ['without a class is what is stored', aTenant({ isolation: { profile: 'privileged' } }), 'privileged'],
    [
      'with a class is what the manager noted, whatever is stored',
      aTenant(
        { className: 'a', isolation: { profile: 'privileged' } },
        { class: { name: 'a', defaults: {}, spec: { className: 'a', isolation: { profile: 'restricted' } } } },
      ),
      'restricted',
    ],
    ['of an object of an older Berth is as it was stored', aTenant(tenantControlPlaneSpec.parse({})), 'baseline'],
    [
      'that the schema does not know is as it is',
      aTenant({ version: 'v1.12.0', isolation: { profile: 'restricted' } }),
      'restricted',
    ],
    ['of an object without a spec is every default', aTenant(undefined as unknown as object), 'baseline'],
  ])('%s', ([, tenant, profile]) => {
    expect(specInForce(tenant)).toMatchObject({ isolation: { profile }, network: { clusterDomain: 'cluster.local' } })
  })
})
