import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import { startApiServer, type TestApiServer } from '../testing/api-server.ts'
import type { KubeClient } from './client.ts'
import { createEventRecorder } from './events.ts'

const log = pino({ level: 'silent' })
let server: TestApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(() => server?.stop())

let count = 0
const aPod = (): KubeObject => {
  count += 1
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name: `pod-${count}`, uid: `uid-${count}`, resourceVersion: '7' },
  }
}
const aRecorder = (client: KubeClient = server.client, maxPending?: number) =>
  createEventRecorder({ client, component: 'berth-test', log, ...(maxPending !== undefined && { maxPending }) })
const eventsOf = async ({ metadata }: KubeObject) =>
  (await server.client.list(resourceTypes.events, { fieldSelector: `involvedObject.name=${metadata.name}` })).items
const refused = { type: 'Warning', reason: 'Refused', message: 'hostPath is not allowed' } as const

test('an event is about its object, for people and machines', async () => {
  const recorder = aRecorder()
  const pod = aPod()
  recorder.record(pod, refused)
  await recorder.flush({ deadlineMs: 10_000 })
  expect(await eventsOf(pod)).toMatchObject([
    {
      metadata: { namespace: 'default' },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', ...pod.metadata },
      ...refused,
      source: { component: 'berth-test' },
      count: 1,
    },
  ])
})

test('what is said again is counted, also by a process that starts anew, and after the Event has gone', async () => {
  const pod = aPod()
  const recorder = aRecorder()
  for (let each = 0; each < 3; each += 1) recorder.record(pod, refused)
  await recorder.flush({ deadlineMs: 10_000 })
  recorder.record(pod, refused)
  await recorder.flush({ deadlineMs: 10_000 })
  expect((await eventsOf(pod)).map((event) => event['count'])).toEqual([4])
  const next = aRecorder()
  next.record(pod, refused)
  await next.flush({ deadlineMs: 10_000 })
  const [event] = await eventsOf(pod)
  expect(event?.['count']).toBe(5)
  await server.client.delete(resourceTypes.events, { namespace: 'default', name: event?.metadata.name ?? '' })
  next.record(pod, refused)
  await next.flush({ deadlineMs: 10_000 })
  expect((await eventsOf(pod)).map((each) => each['count'])).toEqual([1])
})

test('one object cannot flood: 25 events, then one in five minutes', async () => {
  const [loud, quiet] = [aPod(), aPod()]
  const recorder = aRecorder()
  for (let each = 0; each < 40; each += 1) recorder.record(loud, { ...refused, message: `message ${each}` })
  recorder.record(quiet, refused)
  await recorder.flush({ deadlineMs: 20_000 })
  expect([(await eventsOf(loud)).length, (await eventsOf(quiet)).length, recorder.stats.limited]).toEqual([25, 1, 15])
})

test('names and texts that the API would refuse are made to fit; cluster-scoped objects go to default', async () => {
  const recorder = aRecorder()
  const object: KubeObject = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'Berth:Tenant..X', uid: 'u' },
  }
  recorder.record(object, { type: 'Normal', reason: 'R'.repeat(200), message: 'ü'.repeat(5000) })
  await recorder.flush({ deadlineMs: 10_000 })
  const [event] = await eventsOf(object)
  expect(event?.metadata.name).toMatch(/^berth-tenant.x\.[0-9a-f]{16}$/)
  expect([...(event?.['message'] ?? '')]).toHaveLength(1024)
})

test('nobody waits or fails for an event: what cannot be written is counted and dropped', async () => {
  const recorder = aRecorder(server.client.as('nobody'), 2)
  for (let each = 0; each < 10; each += 1) recorder.record(aPod(), refused)
  await recorder.flush({ deadlineMs: 10_000 })
  expect(recorder.stats).toMatchObject({ written: 0, dropped: 10 })
})

test('one is tried again when the API server was away', async () => {
  const pod = aPod()
  const recorder = aRecorder()
  await server.kill()
  recorder.record(pod, refused)
  await server.restart()
  await recorder.flush({ deadlineMs: 20_000 })
  const written = (await eventsOf(pod)).length
  // A start may take longer than all tries together; then it is lost, and counted.
  expect(written + recorder.stats.dropped).toBe(1)
})
