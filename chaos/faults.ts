import { setTimeout as sleep } from 'node:timers/promises'
import { ensureRunning, running } from '../hack/cluster/machine.ts'
import { nodeParts } from '../hack/cluster/node.ts'
import type { NodeMachine } from '../hack/cluster/plan.ts'
import { processesOfPod } from '../hack/cluster/pod-processes.ts'
import { withClusterLock } from '../hack/cluster/state.ts'
import { bringUpRuntime } from '../hack/cluster/up.ts'
import { isAlive, type ProcessId, parentOf, signal, until } from '../hack/processes.ts'
import type { KubeObject } from '../src/apis/kube-object.ts'
import { resourceTypes } from '../src/apis/resource-types.ts'
import { type Fault, pickOf } from './plan.ts'
import { containersOf, gapOf, groupName, isReady, podsOf } from './pod-groups.ts'
import type { ChaosWorld, PodGroup } from './world.ts'

/** What a fault did. */
export interface Done {
  /** What it hit, in words. */
  readonly target: string
  /** From the kill, the thaw, or the new start on, until all was as before. Milliseconds. */
  readonly recoveredMs: number
}

/** What is not mended by then is a finding. A node that was away for a minute, a back-off of some crashes and a machine with much else to do fit in. */
const mendMs = 600_000
const lookMs = 250

/** Reads that fail count as not yet: super's own parts are not hit, but a node's ways may be. */
const look = async <T>(read: () => Promise<T>): Promise<T | undefined> => read().catch(() => undefined)

const untilWhole = async (
  world: ChaosWorld,
  group: PodGroup,
  holds: (pods: readonly KubeObject[]) => boolean = () => true,
): Promise<readonly KubeObject[]> => {
  let words = 'nothing was read'
  return until(
    `${groupName(group)} whole`,
    mendMs,
    async () => {
      world.ended.throwIfAborted()
      const pods = await look(() => podsOf(world.superClient, group))
      if (!pods) return undefined
      words = gapOf(group, pods) ?? 'the old containers are still there'
      return pods.every(isReady) && gapOf(group, pods) === undefined && holds(pods) ? pods : undefined
    },
    { everyMs: lookMs, seen: () => words },
  )
}

const servesTenant = new Set(['etcd', 'shared-etcd', 'kube-apiserver'])

/** The API servers that stand on a group answer that they are ready, at the address that clients use. */
const untilAnswered = async ({ tenants, ended }: ChaosWorld, { part, tenant }: PodGroup): Promise<void> => {
  if (!servesTenant.has(part)) return
  const asked = tenant ? [tenant] : tenants.filter(({ dataStore }) => dataStore === 'shared')
  for (const { name, client } of asked)
    await until(
      `tenant ${name} answering`,
      mendMs,
      async () => {
        ended.throwIfAborted()
        return (await look(() => client.raw('/readyz', { timeoutMs: 3_000 })))?.status === 200
      },
      { everyMs: lookMs },
    )
}

/** Stops processes for a time. They go on however this ends, unless we are killed: then the next run thaws what it can, and probes end the rest. */
const freeze = async (ids: readonly ProcessId[], forMs: number, stop: AbortSignal): Promise<void> => {
  for (const id of ids) signal(id, 'SIGSTOP')
  try {
    await sleep(forMs, undefined, { signal: stop }).catch(() => {})
  } finally {
    for (const id of ids) signal(id, 'SIGCONT')
  }
}

const hitPod = async (world: ChaosWorld, group: PodGroup, fault: Fault, stop: AbortSignal): Promise<Done> => {
  const pods = await untilWhole(world, group)
  const victim = pods[pickOf(fault.pick, pods.length)]
  if (!victim) throw new Error(`${groupName(group)} has no pods`)
  const { name = '', namespace = '', uid = '' } = victim.metadata
  const old = new Set(containersOf(victim))
  let holds: (now: readonly KubeObject[]) => boolean = () => true
  if (fault.action === 'delete') {
    await world.superClient.delete(resourceTypes.pods, { name, namespace }, { uid, gracePeriodSeconds: 1 })
    holds = (now) => now.every(({ metadata }) => metadata.uid !== uid)
  } else {
    const processes = processesOfPod(uid)
    // One without any has just ended by itself, as what was frozen and lost its lease: it is on its way back as if we had ended it.
    if (fault.action === 'freeze') await freeze(processes, fault.forMs, stop)
    else if (processes.length > 0) {
      for (const id of processes) signal(id, 'SIGKILL')
      holds = (now) => now.every((pod) => containersOf(pod).every((id) => !old.has(id)))
    }
  }
  const over = performance.now()
  await untilWhole(world, group, holds)
  await untilAnswered(world, group)
  return { target: name, recoveredMs: performance.now() - over }
}

const programsHit = (part: Fault['part']): readonly ('containerd' | 'kubelet')[] =>
  part === 'kubelet+containerd' ? ['containerd', 'kubelet'] : [part === 'containerd' ? 'containerd' : 'kubelet']

/** Starts what does not run of a node's programs, as `hack/cluster.ts up` would. */
const startPrograms = ({ plan, programs, progress }: ChaosWorld, node: NodeMachine): Promise<void> =>
  withClusterLock(
    plan.name,
    async () => {
      const parts = nodeParts(plan, node, programs)
      await bringUpRuntime(plan, programs, node, parts)
      await ensureRunning(plan, parts.kubelet)
    },
    () => progress(`waiting for another command that works on cluster ${plan.name}`),
  )

/** The node says that it is Ready, with a Lease that its kubelet has renewed since. A program that does not run is started, also one that ended by itself meanwhile, as by an init. */
const untilNodeReady = async (world: ChaosWorld, machine: NodeMachine, sinceMs: number): Promise<void> => {
  const { superClient, plan, ended } = world
  const { name } = machine
  await until(
    `node ${name} Ready`,
    mendMs,
    async () => {
      ended.throwIfAborted()
      const all = await Promise.all(['containerd', 'kubelet'].map((program) => running(plan, `${program}-${name}`)))
      if (all.includes(undefined)) {
        await look(() => startPrograms(world, machine))
        return false
      }
      const lease = await look(() => superClient.get(resourceTypes.leases, { name, namespace: 'kube-node-lease' }))
      const node = await look(() => superClient.get(resourceTypes.nodes, { name }))
      return node !== undefined && isReady(node) && Date.parse(lease?.['spec']?.renewTime ?? '') > sinceMs
    },
    { everyMs: lookMs },
  )
}

const hitNode = async (world: ChaosWorld, fault: Fault, stop: AbortSignal): Promise<Done> => {
  const { plan } = world
  const node = plan.nodes[pickOf(fault.pick, plan.nodes.length)]
  if (!node) throw new Error('the cluster has no nodes')
  const ids = programsHit(fault.part).map((program) => `${program}-${node.name}`)
  const found = await Promise.all(ids.map((id) => running(plan, id)))
  const processes = found.filter((record) => record !== undefined)
  if (processes.length < ids.length) throw new Error(`not all of ${ids.join(', ')} run`)
  if (fault.action === 'freeze') {
    const launchers = processes.flatMap((id) => parentOf(id) ?? [])
    await freeze(processes, fault.forMs, stop)
    // nsenter stops itself when what it started is stopped, and would wait for nobody any more.
    for (const id of launchers) signal(id, 'SIGCONT')
  } else {
    for (const id of processes) signal(id, 'SIGKILL')
    // On a busy machine a signal takes its time: what is not dead yet would be taken for running.
    await until(`${ids.join(', ')} dead`, mendMs, () => !processes.some(isAlive))
    await sleep(fault.forMs, undefined, { signal: stop }).catch(() => {})
  }
  const over = performance.now()
  await untilNodeReady(world, node, Date.now())
  return { target: node.name, recoveredMs: performance.now() - over }
}

/** Does a fault and waits until it is mended. `stop` cuts short what is frozen or away. @throws when it is not mended in ten minutes. */
export const carryOut = (world: ChaosWorld, groups: readonly PodGroup[], fault: Fault, stop: AbortSignal): Promise<Done> => {
  if (fault.lane === 'nodes') return hitNode(world, fault, stop)
  const group = groups.find(({ part, tenant }) => part === fault.part && tenant?.name === fault.tenant)
  if (!group) throw new Error(`nothing is known of ${fault.part} ${fault.tenant ?? ''}`)
  return hitPod(world, group, fault, stop)
}

/** Lets everything go on that a run which was killed has left frozen or ended. */
export const mendNodes = async (world: ChaosWorld): Promise<void> => {
  for (const node of world.plan.nodes) {
    for (const program of ['containerd', 'kubelet']) {
      const record = await running(world.plan, `${program}-${node.name}`)
      for (const id of record ? [record, parentOf(record)] : []) if (id) signal(id, 'SIGCONT')
    }
    await startPrograms(world, node)
  }
}
