import { resourceTypes } from '../../apis/resource-types.ts'
import type { IsolationSettings } from '../../tenancy/isolation.ts'
import { type Bench, type Check, type Evidence, failed, notApplicable, passed, unknown, type Verdict } from '../check.ts'
import { addressText, connectFrom, type PodPlace, serve, servedPort } from '../running-pods.ts'

/** One connection, and whether it may be made. */
interface Way {
  readonly from: PodPlace
  /** For names of pods. */
  readonly name: string
  /** For people: `a pod of the tenant to node n1`. */
  readonly what: string
  readonly address: string
  readonly isControl: boolean
  /** The node that is at the address. */
  readonly node?: string
}

interface TriedWay extends Way {
  readonly isMade: boolean
  readonly said: string
  /** It was to the node that the pod ran on: that passes no policy anywhere (networkpolicy docs of Kubernetes), and the kubelet asks for keys. */
  readonly isOwnNode: boolean
}

const tried = (ways: readonly Way[]): Promise<readonly TriedWay[]> =>
  Promise.all(
    ways.map(async (way) => {
      const { node, ...connection } = await connectFrom(way.name, way.address, way.from)
      return { ...way, ...connection, isOwnNode: way.node !== undefined && way.node === node }
    }),
  )

const seen = ({ what, address, isMade, isOwnNode, said }: TriedWay): Evidence => ({
  layer: 'network',
  saw: `${what} (${address}): ${isMade ? 'connected' : said}${isOwnNode ? '; it is the node of the pod, to which no policy holds' : ''}`,
})

/** First those that must work: when one does not, that others do not says nothing. */
const tryWays = async (ways: readonly Way[]): Promise<Verdict> => {
  const controls = await tried(ways.filter(({ isControl }) => isControl))
  const broken = controls.find(({ isMade }) => !isMade)
  if (broken) return unknown(`control: ${broken.what} (${broken.address}) does not connect: ${broken.said}`, controls.map(seen))
  const attempts = await tried(ways.filter(({ isControl }) => !isControl))
  const made = attempts.filter(({ isMade, isOwnNode }) => isMade && !isOwnNode).map(({ what, address }) => `${what} (${address})`)
  const evidence = [...controls, ...attempts].map(seen)
  return made.length > 0
    ? failed(`connected: ${made.join(', ')}`, evidence)
    : passed(`none of ${attempts.length} connections that must not be is made`, evidence)
}

const placesOf = async (bench: Bench & { superSide: NonNullable<Bench['superSide']> }) => {
  const foreignNamespace = await bench.foreignNamespace()
  const tenant: PodPlace = { client: bench.admin, namespace: bench.namespace, bench }
  const second: PodPlace = { ...tenant, namespace: bench.second }
  const foreign: PodPlace = { client: bench.superSide.client, namespace: foreignNamespace, bench }
  return { tenant, second, foreign }
}

const withSuper =
  (run: (bench: Bench & { superSide: NonNullable<Bench['superSide']> }) => Promise<Verdict>): Check['run'] =>
  async (bench) => {
    const { superSide } = bench
    return superSide ? run({ ...bench, superSide }) : unknown('where super is was not said: --super-kubeconfig')
  }

const acrossNamespaces = withSuper(async (bench) => {
  const { tenant, second, foreign } = await placesOf(bench)
  const [own, strange] = await Promise.all([serve('across-server', second), serve('across-server', foreign)])
  const ownAddress = addressText(own.status.podIP, servedPort)
  const strangeAddress = addressText(strange.status.podIP, servedPort)
  return tryWays([
    { from: tenant, name: 'across-own', what: "a pod of the tenant to the tenant's own", address: ownAddress, isControl: true },
    { from: foreign, name: 'across-own', what: 'a foreign pod to a foreign one', address: strangeAddress, isControl: true },
    { from: tenant, name: 'across-out', what: 'a pod of the tenant to a foreign one', address: strangeAddress, isControl: false },
    { from: foreign, name: 'across-in', what: 'a foreign pod to one of the tenant', address: ownAddress, isControl: false },
  ])
})

const kubeletPort = 10_250

interface Address {
  readonly type: string
  readonly address: string
}

const toMachines = withSuper(async (bench) => {
  const { superSide, signal } = bench
  const [{ items: nodes }, api] = await Promise.all([
    superSide.client.list(resourceTypes.nodes, { limit: 2, signal }),
    superSide.client.get(resourceTypes.services, { name: 'kubernetes', namespace: 'default' }, { signal }),
  ])
  const targets = [
    ...nodes.flatMap(({ metadata, status }) =>
      (status?.addresses ?? [])
        .filter(({ type }: Address) => type === 'InternalIP')
        .slice(0, 1)
        .map(({ address }: Address) => ({
          what: `the kubelet of node ${metadata.name}`,
          node: metadata.name ?? '',
          address: addressText(address, kubeletPort),
        })),
    ),
    ...(api?.spec?.clusterIP
      ? [{ what: "super's API server", address: addressText(api.spec.clusterIP, api.spec.ports?.[0]?.port ?? 443), node: '' }]
      : []),
  ]
  if (targets.length === 0) return unknown('super has neither nodes with addresses nor a Service kubernetes')
  const { tenant, foreign } = await placesOf(bench)
  return tryWays(
    targets.flatMap(({ what, address, node }, index): readonly Way[] => [
      { from: foreign, name: `machine-${index}`, what: `a foreign pod to ${what}`, address, isControl: true, node },
      { from: tenant, name: `machine-${index}`, what: `a pod of the tenant to ${what}`, address, isControl: false, node },
    ]),
  )
})

/** The API server of a control plane, as pods of super would reach it. */
const planeAddress = async (namespace: string, { superSide, signal }: Bench): Promise<string | undefined> => {
  const service = await superSide?.client.get(resourceTypes.services, { name: 'kube-apiserver', namespace }, { signal })
  const { clusterIP, ports } = service?.spec ?? {}
  return clusterIP && clusterIP !== 'None' ? addressText(clusterIP, ports?.[0]?.port ?? 443) : undefined
}

const toNeighbour = withSuper(async (bench) => {
  const { neighbour, controlPlaneNamespace } = bench
  if (!neighbour) return notApplicable('no other tenant is up')
  const [own, other] = await Promise.all([
    planeAddress(controlPlaneNamespace, bench),
    planeAddress(neighbour.controlPlaneNamespace, bench),
  ])
  if (!own || !other) return notApplicable('control planes do not run in super')
  const { tenant } = await placesOf(bench)
  return tryWays([
    { from: tenant, name: 'plane-own', what: 'a pod of the tenant to its API server', address: own, isControl: true },
    {
      from: tenant,
      name: 'plane-other',
      what: `a pod of the tenant to that of ${neighbour.name}`,
      address: other,
      isControl: false,
    },
  ])
})

const whileTogether = ({ network: { apart } }: IsolationSettings): string | undefined =>
  apart ? undefined : 'network.apart is false: pods reach all that machines reach'

/** Who reaches whom, with real connections of real pods. */
export const networkChecks: readonly Check[] = [
  {
    id: 'MTB-PL1-BC-NI-1',
    title: 'Block network access across tenant namespaces',
    category: 'Network Isolation',
    origin: 'pending',
    excused: whileTogether,
    run: acrossNamespaces,
  },
  {
    id: 'BERTH-NI-1',
    title: "Block network access to nodes and to super's API",
    category: 'Network Isolation',
    origin: 'berth',
    excused: whileTogether,
    run: toMachines,
  },
  {
    id: 'BERTH-NI-2',
    title: "Block network access to another tenant's API",
    category: 'Network Isolation',
    origin: 'berth',
    excused: whileTogether,
    run: toNeighbour,
  },
]
