import { afterAll, expect, test } from 'vitest'
import { leaks, type SecretObject, treasures } from '../../hack/leaks.ts'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { controlPlaneNamespace } from '../tenancy/names.ts'
import { startPlaneWorld } from '../testing/plane-world.ts'
import { refOf } from './observe.ts'

const world = await startPlaneWorld()
afterAll(() => world.stop())
const { kube, createTenant, drive } = world

const told = [
  resourceTypes.tenantControlPlanes,
  resourceTypes.configMaps,
  resourceTypes.deployments,
  resourceTypes.statefulSets,
  resourceTypes.services,
  resourceTypes.events,
  resourceTypes.leases,
  resourceTypes.namespaces,
]

test('nothing that the manager writes but a Secret holds a value of one', { timeout: 120_000 }, async () => {
  const tenant = await createTenant()
  await drive(tenant)
  const places = [controlPlaneNamespace(refOf(tenant)), 'berth-system', tenant.metadata.namespace ?? '']
  const lists = await Promise.all(places.map((namespace) => kube.list<KubeObject>(resourceTypes.secrets, { namespace })))
  const secrets: readonly SecretObject[] = lists.flatMap(({ items }) =>
    items.map(({ metadata: { namespace = '', name = '' }, data }) => ({ metadata: { namespace, name }, data })),
  )
  const guarded = treasures(secrets)
  // Keys of three authorities, of service accounts, of encryption and of each certificate.
  expect(new Set(guarded.map(({ owner }) => owner)).size).toBeGreaterThan(8)
  const objects = (await Promise.all(told.map((type) => kube.list(type)))).flatMap(({ items }) => items)
  const said = objects.map((object) => ({ place: `${object.kind} ${object.metadata.name}`, text: JSON.stringify(object) }))
  expect(said.length).toBeGreaterThan(10)
  expect(leaks(guarded, said)).toEqual([])
  // It would be found.
  const [first] = guarded
  const data = { note: `by mistake: ${first?.piece}` }
  const mistake = await kube.create(resourceTypes.configMaps, { metadata: { name: 'mistake', namespace: 'berth-system' }, data })
  expect(leaks(guarded, [{ place: 'mistake', text: JSON.stringify(mistake) }])).toHaveLength(1)
})
