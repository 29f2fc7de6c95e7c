import { afterAll, beforeAll, expect, test } from 'vitest'
import { resourceTypes } from '../../apis/resource-types.ts'
import { startApiServer, type TestApiServer } from '../../testing/api-server.ts'
import { aPlane } from '../../testing/plane-builders.ts'
import { applyWanted } from '../apply.ts'
import { etcd } from './etcd.ts'
import { planOf } from './members.ts'

let server: TestApiServer

beforeAll(async () => {
  server = await startApiServer()
  const { namespace } = aPlane()
  await server.client.create(resourceTypes.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
}, 120_000)
afterAll(() => server?.stop())

test('a StatefulSet that is held while members change is taken by the API server, and so is its way back', async () => {
  const members = [0, 1, 2].map((ordinal) => ({ id: `${ordinal}`, ordinal, isStarted: true, isLearner: false }))
  const { namespace } = aPlane()
  for (const isHeld of [false, true, false, true]) {
    const plane = aPlane({ dataStore: { replicas: 3 } }, { store: { members: planOf(members), isHeld } })
    const wanted = etcd.desired(plane).find(({ kind }) => kind === 'StatefulSet')
    if (!wanted) throw new Error('no StatefulSet')
    await applyWanted(wanted, undefined, { kube: server.client, signal: new AbortController().signal })
    const live = await server.client.get(resourceTypes.statefulSets, { name: 'etcd', namespace })
    expect(live?.['spec'].updateStrategy.type).toBe(isHeld ? 'OnDelete' : 'RollingUpdate')
    expect(live?.metadata.generation).toBeGreaterThan(0)
  }
})
