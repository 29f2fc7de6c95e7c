import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { kindKey } from '../apis/resource-types.ts'
import { frozen } from '../testing/frozen.ts'
import { runs } from '../testing/hostile/draw.ts'
import { declaredKinds, type HostileKind, hostileKinds, hostileObject } from '../testing/hostile/kinds.ts'
import { podAddress } from '../testing/hostile/specs.ts'
import { superFaults } from '../testing/hostile/super-faults.ts'
import { offeredClass } from '../testing/hostile/words.ts'
import { aSyncContext } from '../testing/sync-builders.ts'
import type { SyncContext, SyncedResource } from './resource.ts'
import { knownRules } from './resources/custom-kinds.ts'
import { resourcesOf } from './resources/index.ts'
import { updatedObject, type Wanted, wantedObject } from './super-object.ts'

const wanted = (profile: 'privileged' | 'baseline') =>
  aSyncContext({
    isolation: { profile },
    customKinds: declaredKinds,
    classes: {
      allows: (_kind, name) => name === offeredClass,
      superName: (_kind, name) => `super-${name}`,
      defaultOf: () => offeredClass,
    },
    policy: { inlineCSIDrivers: ['a'], loadBalancerClasses: [offeredClass] },
    podAt: (address) => (address === podAddress ? { node: 'node-of-pod' } : undefined),
  })

/** Two of the same name: what tells them apart is who they are. */
const acme = wanted('privileged')
const namesake: SyncContext = frozen({ ...wanted('baseline'), tenant: { ...acme.tenant, uid: 'other-uid', namespace: 'others' } })

const textOf = (result: Wanted): string => JSON.stringify(result)

/** Every object that would be written for this one: as it is wanted, as it is made, and over what stood there for an earlier one. */
const writesOf = (
  resource: SyncedResource,
  { object, earlier, ctx }: { readonly object: KubeObject; readonly earlier: KubeObject; readonly ctx: SyncContext },
): readonly KubeObject[] => {
  const result = wantedObject(resource, object, ctx)
  if (result.kind !== 'object') return []
  const made = resource.atCreation?.(result.object, object, { ctx, image: 'berth:1' }).object
  const { metadata } = object
  const there = wantedObject(resource, { ...earlier, metadata: { ...earlier.metadata, ...nameOf(metadata) } }, ctx)
  const update = there.kind === 'object' ? updatedObject(resource, there.object, result.object) : undefined
  return [result.object, ...(made ? [made] : []), ...(update?.kind === 'replace' ? [update.object] : [])]
}

const nameOf = ({ name, namespace }: KubeObject['metadata']) => ({
  ...(name !== undefined && { name }),
  ...(namespace !== undefined && { namespace }),
})

test('every kind that goes down is tried', () => {
  expect(
    resourcesOf(acme)
      .map(({ type }) => kindKey(type))
      .toSorted(),
  ).toEqual(Object.keys(hostileKinds).toSorted())
  expect(Object.keys(hostileKinds)).toEqual(expect.arrayContaining([...knownRules.keys()]))
})

describe.for(resourcesOf(acme).map((resource) => [kindKey(resource.type), resource] as const))(
  'of whatever a tenant writes into %s',
  ([key, resource]) => {
    const kind: HostileKind = hostileKinds[key] ?? { fields: fc.constant({}) }
    const drawn = hostileObject(resource, kind)
    const numRuns = 150

    test("nothing goes down that is refused, forged or not the tenant's own", () => {
      let [down, planted] = [0, 0]
      fc.assert(
        fc.property(drawn, drawn, ({ object, isPlanted }, { object: earlier }) => {
          const results = [acme, namesake].map((ctx) => {
            const result = wantedObject(resource, object, ctx)
            expect(['object', 'refused', 'tenant-only']).toContain(result.kind)
            expect(textOf(wantedObject(resource, structuredClone(object), ctx))).toBe(textOf(result))
            for (const superObject of writesOf(resource, { object, earlier, ctx }))
              expect(superFaults(superObject, { of: object, ctx, kind, resource })).toEqual([])
            resource.dependencies?.(object)
            return result
          })
          down += results.some((result) => result.kind === 'object') ? 1 : 0
          planted += isPlanted ? 1 : 0
        }),
        runs(numRuns),
      )
      // A test that refuses everything, or has nothing to refuse, would prove nothing.
      expect(down).toBeGreaterThan(numRuns / 50)
      if (kind.table) expect(planted).toBeGreaterThan(0)
    })
  },
)
