import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { KubeObject } from '../../apis/kube-object.ts'
import { aPlane } from '../../testing/plane-builders.ts'
import type { Plane } from '../components/plane.ts'
import { foundingPlan } from '../data-stores/members.ts'
import { type Effect, effectsOf, endsPods } from './effects.ts'
import { madeOf } from './plane-objects.ts'

type Spec = Record<string, unknown>

/** Each change of one field: what is written, before and after, and which pods end by it. The page of operations has the same table. */
const changes: readonly (readonly [field: string, before: Spec, after: Spec, ends: readonly string[]])[] = [
  ['apiServer.replicas', {}, { apiServer: { replicas: 2 } }, []],
  ['apiServer.resources', {}, { apiServer: { resources: { memory: '2Gi' } } }, ['Deployment/kube-apiserver']],
  ['apiServer.extraSANs', {}, { apiServer: { extraSANs: ['a.example.com'] } }, []],
  ['apiServer.exposure.hostname', {}, { apiServer: { exposure: { hostname: 'a.example.com' } } }, []],
  ['apiServer.exposure.type', {}, { apiServer: { exposure: { type: 'NodePort' } } }, []],
  ['apiServer.extraArgs', {}, { apiServer: { extraArgs: { 'event-ttl': '2h' } } }, ['Deployment/kube-apiserver']],
  ['controllerManager.replicas, 1 to 2', {}, { controllerManager: { replicas: 2 } }, ['Deployment/kube-controller-manager']],
  ['controllerManager.replicas, 2 to 3', { controllerManager: { replicas: 2 } }, { controllerManager: { replicas: 3 } }, []],
  [
    'controllerManager.resources',
    {},
    { controllerManager: { resources: { memory: '1Gi' } } },
    ['Deployment/kube-controller-manager'],
  ],
  ['controllerManager.extraArgs', {}, { controllerManager: { extraArgs: { v: '3' } } }, ['Deployment/kube-controller-manager']],
  ['dataStore.replicas', {}, { dataStore: { replicas: 3 } }, []],
  ['dataStore.storageSize', {}, { dataStore: { storageSize: '5Gi' } }, []],
  [
    'size, small to medium',
    {},
    { size: 'medium' },
    ['StatefulSet/etcd', 'Deployment/kube-apiserver', 'Deployment/kube-controller-manager'],
  ],
  [
    'version, to the next minor',
    { version: 'v1.36.3' },
    { version: 'v1.37.1' },
    ['Deployment/kube-apiserver', 'Deployment/kube-controller-manager'],
  ],
  [
    'state, to Paused',
    {},
    { state: 'Paused' },
    ['StatefulSet/etcd', 'Deployment/kube-apiserver', 'Deployment/kube-controller-manager'],
  ],
  [
    'state, to Hibernated',
    {},
    { state: 'Hibernated' },
    ['StatefulSet/etcd', 'Deployment/kube-apiserver', 'Deployment/kube-controller-manager', 'Pods/of-the-tenant'],
  ],
  ['state, back to Running', { state: 'Paused' }, {}, []],
  ['network.maxServiceSlices', {}, { network: { maxServiceSlices: 8 } }, []],
  ['sync.nodes', {}, { sync: { nodes: 'used' } }, []],
  ['isolation.podSecurity', {}, { isolation: { podSecurity: 'restricted' } }, []],
]

const between = (before: Spec, after: Spec): readonly Effect[] => effectsOf(aPlane(before) as Plane, aPlane(after) as Plane)

const templatesOf = (plane: Plane): Map<string, string> =>
  new Map(
    madeOf(plane)
      .filter(({ object }) => object.spec?.template !== undefined)
      .map(({ object }) => [`${object.kind}/${object.metadata.name}`, JSON.stringify((object as KubeObject).spec.template)]),
  )

describe('a change of', () => {
  test.for(changes)('%s ends no other pods than it has to', ([, before, after, ends]) => {
    const effects = between(before, after)
    expect(effects.length).toBeGreaterThan(0)
    expect(effects.filter(endsPods).map(({ object }) => object)).toEqual(ends)
  })

  test.for(changes.filter(([field]) => !field.startsWith('state')))(
    '%s makes other pods of what it ends, and of nothing else',
    ([, before, after, ends]) => {
      const [old, wanted] = [templatesOf(aPlane(before) as Plane), templatesOf(aPlane(after) as Plane)]
      const others = [...wanted].filter(([id, template]) => old.get(id) !== template).map(([id]) => id)
      expect(others.filter((id) => id !== 'Deployment/coredns').sort()).toEqual([...ends].sort())
    },
  )

  test.for(changes)('%s back again ends what it ended, and nothing else', ([field, before, after, ends]) => {
    // To Running it starts, and ends nothing.
    const isState = field.startsWith('state')
    const back = between(after, before).filter(endsPods).length
    expect(back).toBe(isState ? (field === 'state, back to Running' ? 3 : 0) : ends.length)
  })
})

describe('what is said of', () => {
  const find = (effects: readonly Effect[], object: string): Effect | undefined => effects.find((each) => each.object === object)

  test.for<[name: string, before: Spec, after: Spec, object: string, wanted: Partial<Effect>]>([
    [
      'flags: the new ones',
      { apiServer: { extraArgs: { v: '3', 'event-ttl': '1h' } } },
      { apiServer: { extraArgs: { 'event-ttl': '2h' } } },
      'Deployment/kube-apiserver',
      {
        effect: 'restarts',
        detail: 'flags --event-ttl=2h, without --v',
        meanwhile: expect.stringContaining('before an old one goes'),
      },
    ],
    [
      'a version: the image',
      { version: 'v1.36.3' },
      {},
      'Deployment/kube-controller-manager',
      { detail: expect.stringContaining('image registry.k8s.io/kube-controller-manager:v1.37.1') },
    ],
    [
      'a single member of etcd that starts anew: writes wait',
      {},
      { size: 'large' },
      'StatefulSet/etcd',
      { effect: 'restarts', meanwhile: expect.stringContaining('writes wait') },
    ],
    [
      'three members of etcd: one at a time',
      { dataStore: { replicas: 3 } },
      { dataStore: { replicas: 3 }, size: 'large' },
      'StatefulSet/etcd',
      { meanwhile: expect.stringContaining('one member at a time') },
    ],
    [
      'more members of etcd',
      {},
      { dataStore: { replicas: 3 } },
      'StatefulSet/etcd',
      { effect: 'scales', detail: '1 -> 3, one member at a time', meanwhile: '' },
    ],
    [
      'a second API server: its budget',
      {},
      { apiServer: { replicas: 2 } },
      'PodDisruptionBudget/kube-apiserver',
      { effect: 'made' },
    ],
    [
      'one API server less: its budget',
      { apiServer: { replicas: 2 } },
      {},
      'PodDisruptionBudget/kube-apiserver',
      { effect: 'goes' },
    ],
    [
      'a node port: the Service',
      {},
      { apiServer: { exposure: { type: 'NodePort' } } },
      'Service/kube-apiserver-exposed',
      { effect: 'made', detail: 'type NodePort' },
    ],
    [
      'a name: the kubeconfig',
      {},
      { apiServer: { exposure: { hostname: 'a.b' } } },
      'Secret/acme-kubeconfig',
      { effect: 'changes', detail: 'names https://a.b:443, when the certificate is valid for it' },
    ],
    [
      'a name: the certificate',
      {},
      { apiServer: { exposure: { hostname: 'a.b' } } },
      'Certificate/kube-apiserver',
      { detail: expect.stringMatching(/^also for a\.b; .*as it runs/) },
    ],
    [
      'a load balancer: the quota',
      {},
      { apiServer: { exposure: { type: 'LoadBalancer' } } },
      'ResourceQuota/control-plane',
      { effect: 'changes' },
    ],
    ['a wake', { state: 'Paused' }, {}, 'StatefulSet/etcd', { effect: 'starts', detail: '0 -> 1' }],
    [
      'a wake with another size',
      { state: 'Paused' },
      { size: 'large' },
      'Deployment/kube-apiserver',
      { effect: 'starts', detail: '0 -> 1, resources, memory settings' },
    ],
    [
      'a change of what is paused',
      { state: 'Paused' },
      { state: 'Paused', apiServer: { extraArgs: { v: '3' } } },
      'Deployment/kube-apiserver',
      { effect: 'changes', detail: 'flags --v=3, when it starts' },
    ],
    [
      'another size: DNS of the tenant',
      {},
      { size: 'medium' },
      'Deployment/coredns',
      { place: 'tenant', effect: 'scales', detail: '1 -> 2' },
    ],
  ])('%s', ([, before, after, object, wanted]) => {
    expect(find(between(before, after), object)).toMatchObject(wanted)
  })

  test('nothing that changes: nothing', () => {
    expect(between({ apiServer: { exposure: { type: 'ClusterIP' } } }, {})).toEqual([])
    expect(between({}, {})).toEqual([])
  })

  test('a new tenant: all that is made', () => {
    const effects = effectsOf(undefined, aPlane() as Plane)
    expect(new Set(effects.map(({ effect }) => effect))).toEqual(new Set(['made']))
    expect(effects.map(({ object }) => object)).toEqual(
      expect.arrayContaining([
        'Namespace/berth-acme-x',
        'StatefulSet/etcd',
        'Deployment/kube-apiserver',
        'Secret/acme-kubeconfig',
      ]),
    )
    expect(find(effects, 'StatefulSet/etcd')?.detail).toBe('1 replica(s)')
  })

  test('members that come: they were not there before, and end nobody', () => {
    const grown = aPlane({ dataStore: { replicas: 3 } }, { store: { members: foundingPlan(3), isHeld: false } }) as Plane
    expect(effectsOf(aPlane() as Plane, grown).filter(endsPods)).toEqual([])
  })

  test('a new root of trust: all that has keys starts anew', () => {
    const ends = effectsOf(
      aPlane() as Plane,
      aPlane({}, { rootsHashes: { etcd: 'o', 'kube-apiserver': 'o', 'kube-controller-manager': 'o' } }) as Plane,
    ).filter(endsPods)
    expect(ends.map(({ detail }) => detail)).toEqual(Array(3).fill('configuration or roots of trust'))
  })
})

test('the page of operations has the table of changes', () => {
  const cell = (effects: readonly Effect[]): string =>
    effects.length === 0 ? 'nothing' : effects.map(({ object }) => object.split('/')[1] ?? '').join(', ')
  const rows = changes.map(([field, before, after]) => {
    const effects = between(before, after)
    const rest = effects.filter((each) => !endsPods(each))
    const [name, ...note] = field.split(', ')
    const text = `\`${name}\`${note.length > 0 ? `, ${note.join(', ')}` : ''}`
    return `| ${text} | ${cell(effects.filter(endsPods))} | ${rest.map(({ object, effect }) => `${object} ${effect}`).join(', ')} |`
  })
  const page = readFileSync(join(import.meta.dirname, '../../../docs/operations/change.md'), 'utf8')
  expect(page).toContain(rows.join('\n'))
})
