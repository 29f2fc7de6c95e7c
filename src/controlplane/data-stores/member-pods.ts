import type { KubeObject } from '../../apis/kube-object.ts'
import { hasReadyPod } from '../diagnose.ts'
import type { Loss, MemberPod } from './members.ts'

interface ContainerStatus {
  readonly state?: { readonly running?: object; readonly terminated?: { readonly message?: string } }
  readonly restartCount?: number
  readonly lastState?: { readonly terminated?: { readonly message?: string } }
}

/** Why etcd gave up, in its own words: other lines of its log may quote what tenants wrote. */
const fatalError = (log: string): string => {
  for (const line of log.split('\n').toReversed()) {
    try {
      const { level, error } = JSON.parse(line) as { level?: unknown; error?: unknown }
      if (level === 'fatal') return typeof error === 'string' ? error : ''
    } catch {
      // Cut off at its beginning.
    }
  }
  return ''
}

/** What etcd says at its end when it has no data (server/etcdserver/bootstrap.go), or those of a member that was taken out (api/rafthttp/util.go). */
const saidAtTheEnd = ({ state, lastState }: ContainerStatus): Loss | undefined => {
  const error = fatalError((state?.terminated ?? lastState?.terminated)?.message ?? '')
  if (/cannot fetch cluster info from peer urls|has already been bootstrapped/.test(error)) return 'emptied'
  return error.includes('permanently removed from the cluster') ? 'removed' : undefined
}

const ordinalPattern = /-(\d+)$/

/** Number of a pod, or of the claim of one. */
export const ordinalOfName = ({ metadata }: KubeObject): number | undefined => {
  const text = ordinalPattern.exec(metadata.name ?? '')?.[1]
  return text === undefined ? undefined : Number(text)
}

/** Restarts after which a pod that has not said why counts as one that never will. */
const stuckRestarts = 3
/** A pod that was made a moment ago has still to find the others. */
const youngMs = 15_000

/** The pods of a data store by the number of their member. `lostVolumes`: numbers whose volume is gone. */
export const memberPods = (
  pods: readonly KubeObject[],
  { lostVolumes, now }: { readonly lostVolumes: ReadonlySet<number>; readonly now: Date },
): ReadonlyMap<number, MemberPod> =>
  new Map(
    pods.flatMap((pod): [number, MemberPod][] => {
      const ordinal = ordinalOfName(pod)
      if (ordinal === undefined) return []
      const [container = {}] = (pod.status?.containerStatuses ?? []) as readonly ContainerStatus[]
      const isLeaving = pod.metadata.deletionTimestamp !== undefined
      const said = isLeaving ? undefined : saidAtTheEnd(container)
      const seen: MemberPod = {
        isReady: !isLeaving && hasReadyPod([pod]),
        isYoung: now.getTime() - Date.parse(pod.metadata.creationTimestamp ?? '') < youngMs,
        // Of one that runs, what it said before is no news.
        loss: lostVolumes.has(ordinal) ? 'volume' : container.state?.running ? undefined : said,
        isEmpty: said === 'emptied',
        isStuck: !isLeaving && (container.restartCount ?? 0) >= stuckRestarts,
      }
      return [[ordinal, seen]]
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
