import type { KubeObject } from '../../apis/kube-object.ts'
import { hasReadyPod } from '../diagnose.ts'
import type { Loss, MemberPod } from './members.ts'

interface ContainerStatus {
  readonly state?: { readonly terminated?: { readonly message?: string } }
  readonly lastState?: { readonly terminated?: { readonly message?: string } }
}

/** What etcd says at its end when its data are not what the others know of it (server/etcdserver/bootstrap.go, api/rafthttp/util.go). */
const lastWordsOf: readonly (readonly [RegExp, Loss])[] = [
  [/cannot fetch cluster info from peer urls|has already been bootstrapped/, 'emptied'],
  [/permanently removed from the cluster/, 'removed'],
]

const saidAtTheEnd = ({ status }: KubeObject): Loss | undefined => {
  for (const { state, lastState } of (status?.containerStatuses ?? []) as ContainerStatus[]) {
    const text = state?.terminated?.message ?? lastState?.terminated?.message ?? ''
    const found = lastWordsOf.find(([pattern]) => pattern.test(text))
    if (found) return found[1]
  }
  return undefined
}

const ordinalPattern = /-(\d+)$/

/** Number of a pod, or of the claim of one. */
export const ordinalOfName = ({ metadata }: KubeObject): number | undefined => {
  const text = ordinalPattern.exec(metadata.name ?? '')?.[1]
  return text === undefined ? undefined : Number(text)
}

/** The pods of a data store by the number of their member. `lostVolumes`: numbers whose volume is gone. */
export const memberPods = (pods: readonly KubeObject[], lostVolumes: ReadonlySet<number>): ReadonlyMap<number, MemberPod> =>
  new Map(
    pods.flatMap((pod): [number, MemberPod][] => {
      const ordinal = ordinalOfName(pod)
      if (ordinal === undefined) return []
      const isReady = pod.metadata.deletionTimestamp === undefined && hasReadyPod([pod])
      return [[ordinal, { isReady, loss: lostVolumes.has(ordinal) ? 'volume' : saidAtTheEnd(pod) }]]
    }),
  )

/** True for a pod that super cannot place because of its volume. */
export const isHeldByVolume = ({ status }: KubeObject): boolean =>
  (status?.conditions ?? []).some(
    ({ type, status: is, message = '' }: { type?: string; status?: string; message?: string }) =>
      type === 'PodScheduled' && is === 'False' && /volume/i.test(message),
  )

interface NodeTerm {
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[]
  readonly matchFields?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[]
}

/** True for a volume that lies on nodes that are all gone from the cluster. One that names no nodes can be had from any. */
export const isOnGoneNodes = (volume: KubeObject, nodes: readonly KubeObject[]): boolean => {
  const terms = (volume.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []) as NodeTerm[]
  const named = terms.flatMap(({ matchExpressions = [], matchFields = [] }) =>
    [...matchExpressions, ...matchFields].flatMap(({ key, operator, values = [] }) =>
      operator === 'In' && (key === 'kubernetes.io/hostname' || key === 'metadata.name') ? values : [],
    ),
  )
  const present = new Set(nodes.flatMap(({ metadata }) => [metadata.name, metadata.labels?.['kubernetes.io/hostname']]))
  return named.length > 0 && named.every((name) => !present.has(name))
}
