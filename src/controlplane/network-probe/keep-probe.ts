import { resourceTypes } from '../../apis/resource-types.ts'
import type { KubeClient } from '../../kube/client.ts'
import { hasCode } from '../../lib/errors.ts'
import type { Outcome } from '../../runtime/controller.ts'
import { componentLabel } from '../../tenancy/marks.ts'
import { type Enforcement, probeComponent, probeNamespace, probeStep } from './plan.ts'

/** How long an answer counts; one that says nothing is asked again sooner. */
const countsMs = { known: 30 * 60_000, unknown: 2 * 60_000 }
/** Between the begin of one try and the next, whatever happens to nodes meanwhile. */
const leastPauseMs = 60_000
/** While a try is under way: nothing watches its pods. */
const lookMs = 1_000

const labelSelector = `${componentLabel}=${probeComponent}`

export interface NetworkProbe {
  /** What the last try said; undefined while none has ended. */
  enforcement(): Enforcement | undefined
  /** Nodes have come or gone: their network may be another one. */
  nodesChanged(): void
  /** One step of a try, if one is due. */
  reconcile(signal: AbortSignal): Promise<Outcome>
}

export interface ProbeOptions {
  /** Super, as the manager. */
  readonly kube: KubeClient
  /** Berth's own. */
  readonly image: string | undefined
  /** Some tenant is to be kept apart. */
  readonly isWanted: () => boolean
  readonly onChange: () => void
  readonly now: () => Date
}

/** Tries whether super holds to NetworkPolicies. What is known lives in this process only: the next leader tries anew. */
export const createNetworkProbe = ({ kube, image, isWanted, onChange, now }: ProbeOptions): NetworkProbe => {
  let last: { readonly enforcement: Enforcement; readonly at: number } | undefined
  let isStale = false

  const tell = (enforcement: Enforcement): void => {
    const isNews = JSON.stringify(last?.enforcement) !== JSON.stringify(enforcement)
    last = { enforcement, at: now().getTime() }
    isStale = false
    if (isNews) onChange()
  }

  /** Milliseconds until a try is due; zero or less: it is. */
  const dueInMs = (): number => {
    if (!last) return 0
    const counts = isStale ? leastPauseMs : last.enforcement.status === 'Unknown' ? countsMs.unknown : countsMs.known
    return last.at + counts - now().getTime()
  }

  const step = async (asImage: string, signal: AbortSignal): Promise<'told' | 'under way'> => {
    const { items } = await kube.list(resourceTypes.pods, { namespace: probeNamespace, labelSelector, signal })
    const next = probeStep(items, { image: asImage, now: now() })
    if (next.kind === 'told') {
      await kube.deleteCollection(resourceTypes.pods, { namespace: probeNamespace, labelSelector, gracePeriodSeconds: 0, signal })
      tell(next.enforcement)
      return 'told'
    }
    if (next.kind === 'make') {
      for (const pod of next.pods) {
        await kube.create(resourceTypes.pods, pod, { signal }).catch((error: unknown) => {
          if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error
        })
      }
    }
    return 'under way'
  }

  return {
    enforcement: () => last?.enforcement,
    nodesChanged: () => {
      isStale = true
    },
    reconcile: async (signal) => {
      const inMs = dueInMs()
      if (inMs > 0 || !isWanted()) return { kind: 'wait', retryAfterMs: Math.min(Math.max(inMs, lookMs), leastPauseMs) }
      if (image === undefined) {
        const message =
          'the manager was not told which image Berth has (BERTH_IMAGE), and so cannot try whether super enforces NetworkPolicies'
        tell({ status: 'Unknown', reason: 'NoImage', message })
        return { kind: 'wait', retryAfterMs: leastPauseMs }
      }
      try {
        return { kind: 'wait', retryAfterMs: (await step(image, signal)) === 'told' ? leastPauseMs : lookMs }
      } catch (error) {
        if (!hasCode(error, 'KUBE_NOT_FOUND', 'KUBE_FORBIDDEN', 'KUBE_INVALID')) throw error
        const message = `whether super enforces NetworkPolicies could not be tried: ${error.message}. Apply the manifests of this version`
        tell({ status: 'Unknown', reason: 'ProbeFailed', message })
        return { kind: 'wait', retryAfterMs: leastPauseMs }
      }
    },
  }
}
