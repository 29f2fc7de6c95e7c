import { describe, expect, test } from 'vitest'
import type { ClassLimits } from '../../apis/tenant-class.ts'
import { tenantControlPlaneSpec } from '../../apis/tenant-control-plane.ts'
import { frozen } from '../../testing/frozen.ts'
import { heldBack, limitViolations, violationText } from './limits.ts'

const parsed = (spec: object) => frozen(tenantControlPlaneSpec.parse(spec))
const violations = (spec: object, limits: ClassLimits, ofClass: object = {}) =>
  limitViolations({ spec: parsed(spec), ofClass: parsed(ofClass) }, limits).map(({ field, limit }) => `${field}: ${limit}`)

describe('limitViolations', () => {
  test.for<[name: string, spec: object, limits: ClassLimits, found: string[]]>([
    ['without limits nothing is beyond them', { size: 'large', apiServer: { replicas: 5 } }, {}, []],
    ['a version', { version: 'v1.37.1' }, { versions: ['v1.36.3'] }, ['version: one of v1.36.3']],
    ['a size', { size: 'large' }, { sizes: ['small', 'medium'] }, ['size: one of small, medium']],
    ['a size that is allowed', { size: 'small' }, { sizes: ['small'] }, []],
    [
      'replicas, at the limit and beyond',
      { apiServer: { replicas: 3 }, controllerManager: { replicas: 2 }, dataStore: { replicas: 3 } },
      { maxApiServerReplicas: 3, maxControllerManagerReplicas: 1, maxDataStoreReplicas: 1 },
      ['controllerManager.replicas: at most 1', 'dataStore.replicas: at most 1'],
    ],
    ['no way in', {}, { exposureTypes: ['ClusterIP'] }, []],
    [
      'a way in',
      { apiServer: { exposure: { type: 'LoadBalancer' } } },
      { exposureTypes: ['ClusterIP', 'NodePort'] },
      ['apiServer.exposure.type: one of ClusterIP, NodePort'],
    ],
    ['a kind of store', {}, { dataStoreKinds: ['shared'] }, ['dataStore.kind: one of shared']],
    ['a store', { dataStore: { kind: 'shared', name: 'gold' } }, { dataStoreNames: ['pool'] }, ['dataStore.name: one of pool']],
    [
      'any store, when none may be named',
      { dataStore: { kind: 'shared', name: 'gold' } },
      { dataStoreNames: [] },
      ['dataStore.name: none'],
    ],
    [
      'a disk, in another unit',
      { dataStore: { storageSize: '3000Mi' } },
      { maxStorageSize: '2Gi' },
      ['dataStore.storageSize: at most 2Gi'],
    ],
    ['a disk that is as large', { dataStore: { storageSize: '2048Mi' } }, { maxStorageSize: '2Gi' }, []],
    ['slices', {}, { maxServiceSlices: 2 }, ['network.maxServiceSlices: at most 2']],
    ['a level', {}, { minPodSecurity: 'restricted' }, ['isolation.podSecurity: restricted or stricter']],
    ['a stricter level', { isolation: { podSecurity: 'restricted' } }, { minPodSecurity: 'baseline' }, []],
    [
      'flags and resources',
      { apiServer: { extraArgs: { v: '2' } }, controllerManager: { resources: { memory: '1Gi' } } },
      { allowExtraArgs: false, allowResources: false },
      ['apiServer.extraArgs: none but those of the class', 'controllerManager.resources: none but those of the class'],
    ],
  ])('%s', ([, spec, limits, found]) => {
    expect(violations(spec, limits)).toEqual(found)
  })

  test('flags of the class are no flags of the tenant, but another value of one is', () => {
    const limits = { allowExtraArgs: false }
    const own = { apiServer: { extraArgs: { v: '2' } } }
    expect(violations(own, limits, own)).toEqual([])
    expect(violations(own, limits, { apiServer: { extraArgs: { v: '3' } } })).toHaveLength(1)
  })

  test('are told with field, value, limit and remedy, and flags without their values', () => {
    const judged = { spec: parsed({ size: 'large', apiServer: { extraArgs: { v: 'a-secret' } } }), ofClass: parsed({}) }
    const text = violationText(limitViolations(judged, { sizes: ['small'], allowExtraArgs: false }), 'bronze')
    expect(text).toContain('spec.size: large is beyond what TenantClass bronze allows (one of small): change it, or name another')
    expect(text).toContain('spec.apiServer.extraArgs: v is beyond')
    expect(text).not.toContain('a-secret')
  })
})

describe('heldBack', () => {
  test.for<[name: string, spec: object, before: object, limits: ClassLimits, wanted: object]>([
    ['a size', { size: 'large', apiServer: { replicas: 2 } }, { size: 'medium' }, { sizes: ['small'] }, { size: 'medium' }],
    [
      'a way in that was none',
      { apiServer: { exposure: { type: 'NodePort' }, replicas: 2 } },
      {},
      { exposureTypes: ['ClusterIP'] },
      { apiServer: { replicas: 2, exposure: undefined } },
    ],
    [
      'a store, whole',
      { dataStore: { kind: 'shared', name: 'gold' } },
      { dataStore: { kind: 'dedicated', storageSize: '5Gi' } },
      { dataStoreKinds: ['dedicated'] },
      { dataStore: { kind: 'dedicated', storageSize: '5Gi', replicas: 1 } },
    ],
    [
      'a level',
      { isolation: { podSecurity: 'privileged' } },
      { isolation: { podSecurity: 'restricted' } },
      { minPodSecurity: 'baseline' },
      { isolation: { podSecurity: 'restricted' } },
    ],
  ])('%s is as it was', ([, spec, before, limits, wanted]) => {
    const found = limitViolations({ spec: parsed(spec), ofClass: parsed({}) }, limits)
    expect(found).not.toEqual([])
    const held = heldBack(parsed(spec), found, parsed(before))
    expect(held).toMatchObject(wanted)
    if ('dataStore' in wanted) expect(held.dataStore).toEqual(wanted.dataStore)
    // What is within the limits is as asked for.
    expect(held.apiServer.replicas).toBe(parsed(spec).apiServer.replicas)
  })
})
