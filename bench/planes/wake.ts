import { idle, pod, shell } from '../../e2e/support/objects.ts'
import type { KubeObject } from '../../src/apis/kube-object.ts'
import { resourceTypes } from '../../src/apis/resource-types.ts'
import { superNamespace } from '../../src/tenancy/names.ts'
import { makeNamespace } from '../namespaces.ts'
import type { Wake } from './results.ts'
import { type Stage, secondsSince, waitUntil } from './stage.ts'
import { type BenchPlane, patchPlane, untilCondition, withPlane } from './tenants.ts'

const work = { namespace: 'work', name: 'worker' }

/** Super knows whether the pod runs; the tenant says of it what it said before until it has been told anew. */
const podRuns = ({ superClient, signal }: Stage, plane: BenchPlane): Promise<boolean> =>
  waitUntil<boolean>(`pod of tenant ${plane.name} Ready`, { deadlineMs: 180_000, signal }, async () => {
    const { items } = await superClient.list(resourceTypes.pods, { namespace: superNamespace(plane, work.namespace) })
    const conditions: { type: string; status: string }[] = items.flatMap((item) => item['status']?.conditions ?? [])
    const ready = conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
    return ready ? { found: true } : { seen: JSON.stringify(items.map((item) => item['status']?.phase)) }
  })

const wakeFrom = async (stage: Stage, plane: BenchPlane, state: 'Paused' | 'Hibernated'): Promise<Wake> => {
  const { name } = plane
  const asked = performance.now()
  await patchPlane(stage, name, { state })
  await untilCondition(stage, name, 'Paused')
  const restSeconds = secondsSince(asked)
  const began = performance.now()
  await patchPlane(stage, name, { state: 'Running' })
  const [readySeconds, podSeconds] = await Promise.all(
    [untilCondition(stage, name, 'Ready'), podRuns(stage, plane)].map(async (end) => {
      await end
      return secondsSince(began)
    }),
  )
  stage.progress(`out of ${state}: Ready after ${readySeconds?.toFixed(1)} s, its pod after ${podSeconds?.toFixed(1)} s`)
  return { restSeconds, readySeconds: readySeconds ?? Number.NaN, podSeconds: podSeconds ?? Number.NaN }
}

/** A tenant with one pod, paused and hibernated, and what it takes until it is back. */
export const wake = (stage: Stage): Promise<{ readonly paused: Wake; readonly hibernated: Wake }> =>
  withPlane(stage, 'sleeper', {}, async (plane) => {
    await makeNamespace(plane.client, work.namespace)
    await plane.client.create(resourceTypes.pods, pod(work.namespace, work.name, shell(idle)) as KubeObject)
    await podRuns(stage, plane)
    const paused = await wakeFrom(stage, plane, 'Paused')
    return { paused, hibernated: await wakeFrom(stage, plane, 'Hibernated') }
  })
