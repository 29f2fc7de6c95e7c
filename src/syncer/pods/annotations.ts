import { quantityValue } from '../../apis/quantity.ts'
import type { SyncContext } from '../resource.ts'
import { isNamed } from '../resources/ingress-annotations.ts'
import type { Pod } from './pod.ts'

type Context = Pick<SyncContext, 'isolation' | 'policy'>

/** What the CNI plugin `bandwidth` reads, each way. */
const bandwidthKeys = { ingress: 'kubernetes.io/ingress-bandwidth', egress: 'kubernetes.io/egress-bandwidth' } as const

/** Bits per second that a runtime takes (k8s.io/kubernetes/pkg/util/bandwidth): with more or less it would not start the pod. */
const leastBits = 1e3
const mostBits = 1e15

const bits = (text: string): number => (/^\d+(\.\d+)?(m|k|[MGTPE]|[KMGTPE]i)?$/.test(text) ? quantityValue(text) : Number.NaN)

const isUsable = (text: string): boolean => bits(text) >= leastBits && bits(text) <= mostBits

/** Annotations that go down without the operator's word, with the values that they may have. A budget of the tenant's holds up a drain no less. */
const harmless: Readonly<Record<string, RegExp>> = {
  'cluster-autoscaler.kubernetes.io/safe-to-evict': /^(true|false)$/,
  'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': /^[a-z0-9-]{1,63}(,[a-z0-9-]{1,63}){0,49}$/,
}

/** By these kubelets know their own pods, and by these profiles were once chosen; fields say that now. The operator cannot let them through either. */
const neverDown: readonly string[] = [
  'kubernetes.io/config.*',
  'container.apparmor.security.beta.kubernetes.io/*',
  'container.seccomp.security.alpha.kubernetes.io/*',
  'seccomp.security.alpha.kubernetes.io/*',
]

/** True for an annotation that goes down as it is. */
const passes = (key: string, value: string, { policy }: Context): boolean =>
  !isNamed(key, neverDown) &&
  (isNamed(key, policy.podAnnotations) || (Object.hasOwn(harmless, key) && (harmless[key]?.test(value) ?? false)))

/** The operator's word as the plugin understands it: it knows k, and no K. */
const atMost = (max: string | undefined): string | undefined => {
  const text = max?.replace(/K$/, 'k')
  if (text === undefined || bits(text) > mostBits) return undefined
  return bits(text) < leastBits ? '1k' : text
}

/** One way's bandwidth in super: what the pod asks for, as far as it may; undefined: without a limit. */
const bandwidth = (asked: string | undefined, max: string | undefined): string | undefined => {
  const limit = atMost(max)
  if (asked === undefined || !isUsable(asked)) return limit
  return limit !== undefined && bits(asked) > bits(limit) ? limit : asked
}

const ways = ['ingress', 'egress'] as const

/**
 * The annotations that super's pod gets. In super they steer networks, runtimes, meshes and autoscalers, so all stay in the tenant but a few, and what the
 * operator names; pods read their own from copies (`downward.ts`).
 */
export const superAnnotations = ({ metadata: { annotations = {} } }: Pod, ctx: Context): Record<string, string> => {
  const { maxBandwidth } = ctx.isolation.network
  const limits = ways.flatMap((way): [string, string][] => {
    const limit = bandwidth(annotations[bandwidthKeys[way]], maxBandwidth[way])
    return limit === undefined ? [] : [[bandwidthKeys[way], limit]]
  })
  const isLimit = (key: string): boolean => key === bandwidthKeys.ingress || key === bandwidthKeys.egress
  return {
    ...Object.fromEntries(Object.entries(annotations).filter(([key, value]) => !isLimit(key) && passes(key, value, ctx))),
    ...Object.fromEntries(limits),
  }
}

/** Domains of annotations for which a network, a mesh or a runtime would do something: who writes one counts on it. */
const effective: readonly string[] = [
  'k8s.v1.cni.cncf.io/*',
  'v1.multus-cni.io/*',
  'cni.projectcalico.org/*',
  'ovn.kubernetes.io/*',
  'k8s.ovn.org/*',
  'sidecar.istio.io/*',
  'linkerd.io/*',
  'dapr.io/*',
  'vault.hashicorp.com/*',
  'karpenter.sh/*',
  'io.kubernetes.cri-o.*',
  'io.katacontainers.*',
  'dev.gvisor.*',
  'iam.amazonaws.com/*',
]

interface Note {
  readonly reason: string
  readonly message: string
}

/** What the tenant's user should know of annotations that do less than they say. */
export const annotationNotes = ({ metadata: { annotations = {} } }: Pod, ctx: Context): readonly Note[] => {
  const unheeded = Object.keys(annotations).filter((key) => isNamed(key, effective) && !isNamed(key, ctx.policy.podAnnotations))
  const limited = ways.flatMap((way) => {
    const asked = annotations[bandwidthKeys[way]]
    const limit = bandwidth(asked, ctx.isolation.network.maxBandwidth[way])
    return asked === undefined || asked === limit ? [] : [`${bandwidthKeys[way]}: ${limit ?? 'no limit'}, not ${asked}`]
  })
  return [
    ...(unheeded.length > 0
      ? [
          {
            reason: 'AnnotationNotInSuper',
            message: `metadata.annotations: ${cut(unheeded.toSorted().join(', '))} have no effect where the pod runs; the platform's operator lets them through with spec.sync.podAnnotations`,
          },
        ]
      : []),
    ...(limited.length > 0
      ? [
          {
            reason: 'BandwidthLimited',
            message: `metadata.annotations: ${cut(limited.join('; '))}, by spec.isolation.network.maxBandwidth`,
          },
        ]
      : []),
  ]
}

/** A tenant may write keys and values of any length; an Event is read by people. */
const cut = (text: string): string => (text.length > 300 ? `${text.slice(0, 297)}...` : text)
