import { chanceOf, deckOf } from './chance.ts'

/** What can be hit. `shared-etcd` is the etcd of a DataStore, `etcd` a member of a tenant's own. */
export const partNames = [
  'manager',
  'syncer',
  'vn-agent',
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'core-dns',
  'shared-etcd',
  'kubelet',
  'containerd',
  'kubelet+containerd',
] as const
export type PartName = (typeof partNames)[number]

/**
 * kill: SIGKILL of its processes. freeze: SIGSTOP, and SIGCONT after `forMs`. delete: its pod is deleted in super.
 * What is killed of a node is started again after `forMs`; pods are started again by kubelet and controllers.
 */
export type Action = 'kill' | 'freeze' | 'delete'

/**
 * Within a lane nothing is hit whose owner (a tenant, a node, a part of Berth) has something that is not mended, so that one member of an etcd and one node
 * are hit at a time. The lanes know nothing of each other: a node may be down while a member of etcd is killed and the syncer is frozen.
 */
export const laneNames = ['berth', 'planes', 'nodes'] as const
export type LaneName = (typeof laneNames)[number]

/** Something that is done to the cluster. */
export interface Fault {
  readonly lane: LaneName
  /** From 1 on, within its lane. */
  readonly number: number
  readonly action: Action
  readonly part: PartName
  /** Whose part; only of parts that each tenant has. */
  readonly tenant?: string
  /** Which of several replicas or nodes, from 0 up to 1: a share, as their number is not known yet. */
  readonly pick: number
  /** How long it stays frozen or away. */
  readonly forMs: number
  /** Rest after it is mended. */
  readonly pauseMs: number
}

/** What the plan has to know of a tenant. */
export interface PlannedTenant {
  readonly name: string
  readonly dataStore: 'dedicated' | 'shared'
}

interface Card {
  readonly action: Action
  readonly part: PartName
  /** Shortest and longest `forMs`. */
  readonly forMs: readonly [number, number]
}

const atOnce = [0, 0] as const
const frozen = [2_000, 20_000] as const
/** A node that says nothing for 50 s is taken for lost: some stay away for longer. */
const away = [1_000, 65_000] as const

const pods = (part: PartName): Card[] => [
  { action: 'kill', part, forMs: atOnce },
  { action: 'kill', part, forMs: atOnce },
  { action: 'freeze', part, forMs: frozen },
  // A pod of another name has no crashes to be kept waiting for: so kills do not add up to minutes of back-off.
  { action: 'delete', part, forMs: atOnce },
]
const programs = (part: PartName): Card[] => [
  { action: 'kill', part, forMs: away },
  { action: 'kill', part, forMs: [0, 0] },
  { action: 'freeze', part, forMs: frozen },
]

const cardsOf = (lane: LaneName): Card[] => {
  switch (lane) {
    case 'berth':
      return [...pods('manager'), ...pods('syncer'), ...pods('vn-agent').slice(1)]
    case 'planes':
      return [
        ...pods('etcd'),
        ...pods('kube-apiserver'),
        ...pods('kube-controller-manager').slice(1),
        ...pods('core-dns').slice(2),
        ...pods('shared-etcd').slice(1),
      ]
    case 'nodes':
      return [...programs('kubelet'), ...programs('containerd'), { action: 'kill', part: 'kubelet+containerd', forMs: away }]
  }
}

const pauses: Readonly<Record<LaneName, readonly [number, number]>> = {
  berth: [2_000, 12_000],
  planes: [2_000, 12_000],
  nodes: [5_000, 25_000],
}

/** Whether each tenant has this part of its own. */
const isOfTenant = (part: PartName): boolean =>
  part === 'etcd' || part === 'kube-apiserver' || part === 'kube-controller-manager' || part === 'core-dns'

export interface PlanInput {
  readonly seed: number
  readonly tenants: readonly PlannedTenant[]
  /** Only these parts are hit. */
  readonly parts: readonly PartName[]
}

/** The faults of a lane, without end: one seed always gives the same. Nothing, if none of its parts may be hit. Pure. */
export function* faultsOf(lane: LaneName, { seed, tenants, parts }: PlanInput): Generator<Fault, void> {
  const chance = chanceOf(seed, `faults of ${lane}`)
  const owners = (part: PartName): readonly string[] =>
    tenants.filter(({ dataStore }) => part !== 'etcd' || dataStore === 'dedicated').map(({ name }) => name)
  const hasTarget = (part: PartName): boolean => {
    if (part === 'shared-etcd') return tenants.some(({ dataStore }) => dataStore === 'shared')
    return !isOfTenant(part) || owners(part).length > 0
  }
  const cards = cardsOf(lane).filter(({ part }) => parts.includes(part) && hasTarget(part))
  if (cards.length === 0) return
  const deal = deckOf(chance, cards)
  const nextOwner = new Map(partNames.filter(isOfTenant).map((part) => [part, deckOf(chance, owners(part))]))
  for (let number = 1; ; number += 1) {
    const { action, part, forMs } = deal()
    const tenant = nextOwner.get(part)?.()
    yield {
      lane,
      number,
      action,
      part,
      ...(tenant !== undefined && { tenant }),
      pick: chance.next(),
      forMs: chance.between(...forMs),
      pauseMs: chance.between(...pauses[lane]),
    }
  }
}

/** Which of `count` things a share from 0 up to 1 means. */
export const pickOf = (pick: number, count: number): number => Math.min(count - 1, Math.floor(pick * count))
