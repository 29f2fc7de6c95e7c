import type { KubeObject } from '../apis/kube-object.ts'
import { resourceTypes } from '../apis/resource-types.ts'
import type { KubeClient } from '../kube/client.ts'
import { AppError } from '../lib/errors.ts'
import type { Bench } from './check.ts'
import { compliantPod } from './specimens.ts'
import { within } from './wait.ts'

/** A namespace of a cluster, in which pods run. */
export interface PodPlace {
  readonly client: KubeClient
  readonly namespace: string
  readonly bench: Pick<Bench, 'image' | 'settings' | 'waitMs' | 'signal'>
}

/** Pods take longer than words: images are pulled. */
const startFactor = 3

const whyNot = ({ status }: KubeObject): string => {
  const waiting = status?.containerStatuses?.[0]?.state?.waiting
  if (waiting) return `${waiting.reason}: ${waiting.message ?? ''}`
  const unscheduled = status?.conditions?.find(
    (condition: { type: string; status: string }) => condition.type === 'PodScheduled' && condition.status === 'False',
  )
  return unscheduled ? `${unscheduled.reason}: ${unscheduled.message}` : `phase ${status?.phase ?? 'unknown'}`
}

const untilThere = async (
  name: string,
  isThere: (pod: KubeObject) => boolean,
  { client, namespace, bench: { waitMs, signal } }: PodPlace,
): Promise<KubeObject> => {
  let last: KubeObject | undefined
  const pod = await within(
    async () => {
      last = await client.get(resourceTypes.pods, { name, namespace }, { signal })
      return last && isThere(last) ? last : undefined
    },
    { waitMs: waitMs * startFactor, signal },
  )
  if (pod) return pod
  throw new AppError(
    'DEADLINE_EXCEEDED',
    `pod ${namespace}/${name} did not get there: ${last ? whyNot(last) : 'it is not there'}`,
    {},
  )
}

const request = (name: string, args: readonly string[], { namespace, bench: { image, settings } }: PodPlace) =>
  compliantPod({ name, namespace, image, args, pullAlways: settings.pods.pullAlways })

/** TCP port of `serve`. */
export const servedPort = 8080

/** Runs a web server until it answers. Throws DEADLINE_EXCEEDED with why it does not. */
export const serve = async (name: string, place: PodPlace): Promise<KubeObject> => {
  const pod = request(name, ['netexec', `--http-port=${servedPort}`, '--udp-port=-1'], place)
  const [container] = pod.spec.containers
  const readinessProbe = { httpGet: { path: '/hostname', port: servedPort }, periodSeconds: 1 }
  const spec = { ...pod.spec, containers: [{ ...container, readinessProbe }] }
  await place.client.create(resourceTypes.pods, { ...pod, spec }, { signal: place.bench.signal })
  const isReady = ({ status }: KubeObject): boolean =>
    status?.podIP !== undefined &&
    status.conditions?.some(({ type, status: is }: { type: string; status: string }) => type === 'Ready' && is === 'True')
  return untilThere(name, isReady, place)
}

/** What a connection came to, in agnhost's word: TIMEOUT, REFUSED. */
export interface Connection {
  readonly isMade: boolean
  readonly said: string
  /** Where the pod ran that made it. */
  readonly node: string | undefined
}

/** `host:port`, with brackets around IPv6. */
export const addressText = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/** Connects from a pod of its own to a TCP address. Throws DEADLINE_EXCEEDED where the pod does not run. */
export const connectFrom = async (name: string, address: string, place: PodPlace): Promise<Connection> => {
  const { client, namespace, bench } = place
  await client.create(resourceTypes.pods, request(name, ['connect', address, '--timeout=4s'], place), { signal: bench.signal })
  const isOver = ({ status }: KubeObject): boolean => ['Succeeded', 'Failed'].includes(status?.phase)
  const { spec, status } = await untilThere(name, isOver, place)
  await client.delete(resourceTypes.pods, { name, namespace }, { gracePeriodSeconds: 0, signal: bench.signal })
  const said = String(status?.containerStatuses?.[0]?.state?.terminated?.message ?? '').trim()
  return { isMade: status?.phase === 'Succeeded', said: said || status?.phase, node: spec?.nodeName }
}
