import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import {
  lastAppliedAnnotation,
  renewAtAnnotation,
  tenantLabel,
  tenantObjectUidAnnotation,
  wantedHashAnnotation,
} from '../../tenancy/marks.ts'
import { superNamespace } from '../../tenancy/names.ts'
import { frozen } from '../../testing/frozen.ts'
import { aSyncContext } from '../../testing/sync-builders.ts'
import { aWorld, down, type Side, worldTime as takenAt, type World } from '../../testing/sync-world.ts'
import { compareSides } from './compare.ts'
import type { Objects } from './snapshot.ts'

const ctx = aSyncContext()
const superShop = superNamespace(ctx.tenant, 'shop')

const objects = (side: Side): Objects => new Map(Object.entries(side))
const compare = ({ tenant, superSide }: World, nodeSelector?: Record<string, string>) =>
  compareSides(frozen({ tenant: objects(tenant), superSide: objects(superSide), takenAt }), { ctx, nodeSelector })

const first = (side: Side, plural: string): KubeObject => {
  const object = side[plural]?.[0]
  if (!object) throw new Error(`the world has no ${plural}`)
  return object
}
const told = (world: World, nodeSelector?: Record<string, string>): string[] =>
  compare(world, nodeSelector).differences.map(
    ({ kind, resource, namespace, name, detail }) => `${kind} ${resource} ${namespace}/${name}: ${detail}`,
  )

test('two sides that agree have no difference', () => {
  expect(told(aWorld())).toEqual([])
  expect(compare(aWorld()).compared).toBe(7)
})

describe('each way to disagree is told', () => {
  test.for<[name: string, disturb: (world: World) => void, wanted: readonly (string | RegExp)[]]>([
    [
      'a pod missing in super',
      ({ superSide, tenant }) => {
        superSide['pods'] = []
        superSide['secrets']?.splice(1)
        first(tenant, 'pods').status = {}
        first(tenant, 'pods').spec.nodeName = undefined
      },
      ['missing-in-super pods shop/web-0: not made yet, or gone'],
    ],
    [
      'a pod that ended in super',
      ({ superSide }) => {
        superSide['pods'] = []
        superSide['secrets']?.splice(1)
      },
      ['extra-in-tenant pods shop/web-0: gone in super, still in the tenant'],
    ],
    [
      'a service missing in super',
      ({ superSide }) => {
        superSide['services'] = []
      },
      ['missing-in-super services shop/web: not made yet, or gone'],
    ],
    [
      'a service that the tenant has deleted',
      ({ tenant }) => {
        tenant['services'] = []
      },
      [`extra-in-super services shop/web: ${superShop}/web stands for nothing in the tenant`],
    ],
    [
      'a config map missing in super',
      ({ superSide }) => {
        superSide['configmaps'] = []
      },
      ['missing-in-super configmaps shop/used: not made yet, or gone'],
    ],
    [
      'a config map in super that nothing refers to',
      ({ tenant, superSide }) => {
        superSide['configmaps']?.push(down('configmaps', (tenant['configmaps'] ?? [])[1] as KubeObject))
      },
      [/^extra-in-super configmaps shop\/unused: /],
    ],
    [
      'a hash of an earlier wish',
      ({ superSide }) => {
        first(superSide, 'services').metadata.annotations = {
          ...first(superSide, 'services').metadata.annotations,
          [wantedHashAnnotation]: 'old',
        }
      },
      ['stale-in-super services shop/web: the hash of what is wanted differs'],
    ],
    [
      'a field that somebody changed in super',
      ({ superSide }) => {
        first(superSide, 'services').spec.selector = { app: 'other' }
      },
      ['field-in-super services shop/web: spec.selector.app is "other", wanted "web"'],
    ],
    [
      'a pod label that somebody changed in super',
      ({ superSide }) => {
        first(superSide, 'pods').spec.containers[0].image = 'evil'
      },
      ['field-in-super pods shop/web-0: spec.containers[name=main].image is "evil", wanted "web"'],
    ],
    [
      'the content of a secret, without telling it',
      ({ superSide }) => {
        first(superSide, 'secrets').data = { a: 'Mg==' }
      },
      ['field-in-super secrets shop/password: data.a is not as wanted'],
    ],
    [
      'a key that only super has',
      ({ superSide }) => {
        first(superSide, 'configmaps').data = { a: '1', more: 'x' }
      },
      ["field-in-super configmaps shop/used: data has more, which the tenant's has not"],
    ],
    [
      'a mark of another object',
      ({ superSide }) => {
        first(superSide, 'services').metadata.annotations = {
          ...first(superSide, 'services').metadata.annotations,
          [tenantObjectUidAnnotation]: 'other',
        }
      },
      [/^extra-in-super services shop\/web: an object that stands for nothing/],
    ],
    [
      'a mark of another tenant',
      ({ superSide }) => {
        first(superSide, 'services').metadata.labels = { [tenantLabel]: 'other-tenant' }
      },
      ['not-owned services shop/web: another object of this name is in the way'],
    ],
    [
      'marks that are gone',
      ({ superSide }) => {
        first(superSide, 'services').metadata.annotations = {}
      },
      [/^not-owned services shop\/web: /],
    ],
    [
      'marks that belong to another place',
      ({ superSide }) => {
        superSide['services']?.push({
          ...first(superSide, 'services'),
          metadata: { ...first(superSide, 'services').metadata, namespace: 'kube-system' },
        })
      },
      [/^not-owned services shop\/web: kube-system\/web is marked as shop\/web/],
    ],
    [
      'a status that is not told',
      ({ superSide }) => {
        first(superSide, 'pods').status.podIP = '10.1.2.3'
      },
      [/^stale-in-tenant pods shop\/web-0: status: .*10\.1\.2\.3/],
    ],
    [
      'a binding that is not told',
      ({ tenant }) => {
        first(tenant, 'pods').spec.nodeName = undefined
      },
      [/^stale-in-tenant pods shop\/web-0: not bound to n1 yet/],
    ],
    [
      'tokens that are missing',
      ({ superSide }) => {
        superSide['secrets']?.splice(1)
      },
      ['missing-in-super pods shop/web-0: the Secret with its tokens is missing'],
    ],
    [
      'tokens that are old',
      ({ superSide }) => {
        const [, tokens] = superSide['secrets'] ?? []
        if (tokens?.metadata.annotations)
          tokens.metadata.annotations[renewAtAnnotation] = new Date(takenAt - 120_000).toISOString()
      },
      ['field-in-super pods shop/web-0: its tokens were to be renewed and are not'],
    ],
    [
      'tokens with a key too few',
      ({ superSide }) => {
        const [, tokens] = superSide['secrets'] ?? []
        if (tokens) tokens.data = {}
      },
      [/^field-in-super pods shop\/web-0: the Secret with its tokens lacks /],
    ],
    [
      'tokens of a pod that is gone',
      ({ superSide, tenant }) => {
        tenant['pods'] = []
        superSide['pods'] = []
        superSide['configmaps'] = []
        superSide['secrets']?.splice(0, 1)
      },
      [/^extra-in-super secrets shop\/web-0: .* is of a pod that is gone/],
    ],
    [
      'a pod on a node that the tenant has not',
      ({ tenant }) => {
        tenant['nodes'] = []
      },
      ['missing-in-tenant pods shop/web-0: is bound to node n1, which the tenant does not have'],
    ],
    [
      'a node of yesterday',
      ({ superSide }) => {
        first(superSide, 'nodes').status.capacity = { cpu: '4' }
      },
      ['stale-in-tenant nodes /n1: status.capacity.cpu is "2", wanted "4"'],
    ],
    [
      'a taint',
      ({ superSide }) => {
        first(superSide, 'nodes').spec.taints = [{ key: 'a', effect: 'NoSchedule' }]
      },
      [/^stale-in-tenant nodes \/n1: spec.taints is \[\], wanted/],
    ],
    [
      'a taint that is gone',
      ({ tenant }) => {
        const node = first(tenant, 'nodes')
        node.spec = { taints: [{ key: 'a', effect: 'NoSchedule' }] }
        node.metadata.annotations = {
          [lastAppliedAnnotation]: '{"labels":["zone"],"taints":["a:NoSchedule"],"unschedulable":false}',
        }
        node.metadata.labels = { ...node.metadata.labels, zone: 'a' }
      },
      [/^stale-in-tenant nodes \/n1: has the label zone/, /^stale-in-tenant nodes \/n1: spec.taints is/],
    ],
    [
      'a node that super lost',
      ({ superSide }) => {
        superSide['nodes']?.shift()
      },
      ['extra-in-tenant nodes /n1: super has no such node'],
    ],
    [
      'a node that nobody mirrored',
      ({ tenant }) => {
        tenant['nodes']?.push({ metadata: { name: 'own' } })
      },
      ['extra-in-tenant nodes /own: not made by the syncer'],
    ],
    [
      'a lease that is not renewed',
      ({ tenant }) => {
        first(tenant, 'leases').spec.renewTime = new Date(takenAt - 121_000).toISOString()
      },
      ['stale-in-tenant nodes /n1: its Lease is not renewed'],
    ],
    [
      'a lease that is missing',
      ({ tenant }) => {
        tenant['leases'] = []
      },
      ['missing-in-tenant nodes /n1: its Lease is missing'],
    ],
    [
      'a volume that is missing',
      ({ tenant }) => {
        tenant['persistentvolumes'] = []
      },
      ['missing-in-tenant persistentvolumes /pv-1: the volume of claim shop/data'],
    ],
    [
      'a volume of another size',
      ({ superSide }) => {
        first(superSide, 'persistentvolumes').spec.capacity = { storage: '2Gi' }
      },
      ['stale-in-tenant persistentvolumes /pv-1: spec.capacity.storage is "1Gi", wanted "2Gi"'],
    ],
    [
      'a volume that is not bound here',
      ({ superSide }) => {
        first(superSide, 'persistentvolumes').spec.claimRef.uid = 'other'
      },
      ['extra-in-tenant persistentvolumes /pv-1: not bound to a claim of the tenant in super'],
    ],
    [
      'a class that is missing',
      ({ tenant }) => {
        tenant['storageclasses'] = []
      },
      ['missing-in-tenant storageclasses /standard: super offers it'],
    ],
    [
      'a class that super withdrew',
      ({ superSide }) => {
        superSide['storageclasses'] = []
      },
      ['extra-in-tenant storageclasses /standard: super does not offer it any more'],
    ],
    [
      'a class that changed',
      ({ superSide }) => {
        first(superSide, 'storageclasses').provisioner = 'q'
      },
      ['stale-in-tenant storageclasses /standard: provisioner is "p", wanted "q"'],
    ],
    [
      'rights that are missing',
      ({ superSide }) => {
        superSide['rolebindings'] = []
      },
      ['missing-in-super namespaces /shop: RoleBinding berth-tenant is missing'],
    ],
    [
      'rights of somebody else',
      ({ superSide }) => {
        first(superSide, 'rolebindings')['subjects'][0].name = 'other'
      },
      [/^field-in-super namespaces \/shop: RoleBinding berth-tenant: subjects\[name=tenant-.*\] is nothing/],
    ],
    [
      'an account that mounts super’s token',
      ({ superSide }) => {
        first(superSide, 'serviceaccounts')['automountServiceAccountToken'] = true
      },
      ['field-in-super namespaces /shop: ServiceAccount berth-workload: automountServiceAccountToken is true, wanted false'],
    ],
  ])('%s', ([, disturb, wanted]) => {
    const world = aWorld()
    disturb(world)
    const differences = told(world)
    expect(differences).toHaveLength(wanted.length)
    wanted.forEach((expected, index) => {
      if (typeof expected === 'string') expect(differences[index]).toBe(expected)
      else expect(differences[index]).toMatch(expected)
    })
  })

  test('a node that the selector of the tenant names', () => {
    expect(told(aWorld(), {})).toEqual(['missing-in-tenant nodes /n2: the node selector of the tenant names it'])
  })
})

describe('no difference', () => {
  test('what is just being deleted in super', () => {
    const world = aWorld()
    world.tenant['services'] = []
    first(world.superSide, 'services').metadata.deletionTimestamp = new Date(takenAt - 1000).toISOString()
    expect(told(world)).toEqual([])
    first(world.superSide, 'services').metadata.deletionTimestamp = new Date(takenAt - 61_000).toISOString()
    expect(told(world)).toHaveLength(1)
  })

  test('what is refused: its user was told', () => {
    const world = aWorld()
    world.superSide['services'] = []
    first(world.tenant, 'services').spec = { ...first(world.tenant, 'services').spec, externalIPs: ['1.2.3.4'] }
    const report = compare(world)
    expect(report.differences).toEqual([])
    expect(report.refused).toMatchObject([{ resource: 'services', namespace: 'shop', name: 'web' }])
  })

  test('what the tenant says of its own Node', () => {
    const world = aWorld()
    const node = first(world.tenant, 'nodes')
    node.metadata.annotations = {
      [lastAppliedAnnotation]:
        '{"labels":["kubernetes.io/hostname"],"taints":["node.kubernetes.io/unschedulable:NoSchedule"],"unschedulable":false}',
    }
    node.metadata.labels = { ...node.metadata.labels, disk: 'ssd' }
    const taints = [
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
      { key: 'a', effect: 'NoExecute' },
    ]
    node.spec = { unschedulable: true, taints }
    expect(told(world)).toEqual([])
  })

  test('where a pod might have gone before it had its node', () => {
    const world = aWorld()
    const live = first(world.superSide, 'pods')
    live.spec = { ...live.spec, nodeSelector: { other: 'x' }, affinity: { nodeAffinity: {} } }
    expect(told(world)).toEqual([])
  })

  test('a storage class of the tenant’s own under a name of super', () => {
    const world = aWorld()
    const own = first(world.tenant, 'storageclasses')
    own.metadata.labels = {}
    own['provisioner'] = 'own'
    expect(told(world)).toEqual([])
  })
})
