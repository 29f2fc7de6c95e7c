import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { objectPath } from '../../kube/paths.ts'
import { explainError } from '../../lib/errors.ts'
import { type AuthorityUsers, afterLook, isNews, lookAtLog, usersData, usersOf, usersText } from '../authority-users.ts'
import { metadataOf, type Plane } from '../components/plane.ts'
import type { Deps } from '../deps.ts'
import { hasEnded, podsOf } from '../diagnose.ts'
import { authorityUsersConfig, componentNames, fieldManager } from '../names.ts'
import type { Observed } from '../observe.ts'
import type { AuthorityFacts } from '../pki/rotation.ts'

/** Most that is read of one API server's log in one look. */
const lookBytes = 2 * 1024 * 1024
/** Clocks of nodes and the manager differ: what was written this long before the last look is looked at again. */
const overlapMs = 10_000

interface Look {
  readonly pod: string
  readonly log: ReturnType<typeof lookAtLog>
  /** There is more of it. */
  readonly isCut: boolean
}

const lookAt = async (pod: KubeObject, since: Date, { kube, signal }: Pick<Deps, 'kube' | 'signal'>): Promise<Look> => {
  const { name = '', namespace = '' } = pod.metadata
  const query = new URLSearchParams({
    container: componentNames.kubeApiServer,
    sinceTime: new Date(since.getTime() - overlapMs).toISOString(),
    limitBytes: String(lookBytes),
    timestamps: 'true',
  })
  const path = `${objectPath(resourceTypes.pods, { name, namespace }, 'log')}?${query.toString()}`
  const { status, body } = await kube.raw(path, { signal, maxAnswerBytes: 2 * lookBytes })
  if (status !== 200) throw new Error(`the log of pod ${name} cannot be read (${status})`)
  return { pod: name, log: lookAtLog(body), isCut: Buffer.byteLength(body) >= lookBytes }
}

const store = async (
  users: AuthorityUsers,
  place: Pick<Plane, 'tenant' | 'namespace'>,
  { kube, signal }: Deps,
): Promise<void> => {
  const metadata = metadataOf(place, authorityUsersConfig)
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: usersData(users) }
  await kube.apply(resourceTypes.configMaps, object, { fieldManager, force: true, signal })
}

/**
 * Who still comes with a certificate that is not of the authority which issues. It is found out from the logs of the API servers, which write a line for each
 * request of people while a rotation is under way; what was found is kept in a ConfigMap, so that a new manager goes on with it.
 */
export const lookForUsers = async (
  input: {
    readonly place: Pick<Plane, 'tenant' | 'namespace'>
    readonly observed: Pick<Observed, 'pods' | 'objects'>
    /** Generation that issues, and since when. */
    readonly generation: number
    readonly since: Date
    /** Fingerprints of certificates that are known to be of it. */
    readonly known: readonly string[]
  },
  deps: Deps,
): Promise<NonNullable<AuthorityFacts['users']>> => {
  const { place, observed, generation, since, known } = input
  const stored = usersOf(observed.objects.get(`ConfigMap/${authorityUsersConfig}`)?.data, generation, since)
  const began = deps.now()
  const running = podsOf(observed.pods, componentNames.kubeApiServer).filter((pod) => !hasEnded(pod))
  let looks: readonly Look[]
  try {
    looks = await Promise.all(running.map((pod) => lookAt(pod, stored.readUntil, deps)))
  } catch (error) {
    deps.log.warn({ error: explainError(error) }, 'the log of an API server cannot be read')
    return { text: usersText(stored), unknown: `logs of the API servers cannot be read: ${explainError(error)}` }
  }
  const cut = looks.filter(({ isCut }) => isCut)
  // What is longer than a look is read on from where the shortest one ended, and never again from before that.
  const from = stored.readUntil.getTime()
  const ends = cut.map(({ log }) => (log.lastLine?.getTime() ?? from) + overlapMs)
  const readUntil = new Date(Math.max(from, Math.min(began.getTime(), ...ends)))
  const sightings = looks.flatMap(({ log }) => log.sightings)
  const users = afterLook(stored, { sightings, known, readUntil, since })
  if (isNews(stored, users) || cut.length > 0) await store(users, place, deps)
  const [newest] = users.old
  return {
    text: usersText(users),
    ...(newest && { lastSeen: newest.at }),
    ...(cut.length > 0 && { unknown: `the log of ${cut.map(({ pod }) => pod).join(', ')} is still being read` }),
  }
}
