import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { explainError, hasCode } from '../../lib/errors.ts'
import { applyWanted } from '../apply.ts'
import type { Plane } from '../components/plane.ts'
import { membersConfig } from '../data-stores/etcd.ts'
import type { EtcdClient, MemberStatus } from '../data-stores/etcd-client.ts'
import { etcdPorts, quotaBytes } from '../data-stores/etcd-config.ts'
import { dataStores } from '../data-stores/index.ts'
import { isHeldByVolume, isOnGoneNodes, memberPods, ordinalOfName } from '../data-stores/member-pods.ts'
import { type Member, type MemberAction, nextMemberAction, planOf, podCount } from '../data-stores/members.ts'
import { storePlan } from '../data-stores/store-plan.ts'
import { type Alarm, fillText, fullText, type MemberUsage, nextUpkeep } from '../data-stores/upkeep.ts'
import type { Deps } from '../deps.ts'
import { isRolledOut, podsOf } from '../diagnose.ts'
import { componentNames, secretNames } from '../names.ts'
import { objectId } from '../observe.ts'
import { etcdMember } from '../pki/plan.ts'
import type { Round, Step, StepOutcome } from '../steps.ts'
import { applyComponent, starting } from './workloads.ts'

/** A data store that answers. */
interface Answering {
  readonly clients: ReadonlyMap<number, EtcdClient>
  /** Of the members that answer, by number. */
  readonly statuses: ReadonlyMap<number, MemberStatus>
  readonly members: readonly Member[]
  /** Any of those that answer. */
  readonly anyone: EtcdClient
}

const etcdPods = ({ observed }: Pick<Round, 'observed'>): KubeObject[] => podsOf(observed.pods, componentNames.etcd)

/** Clients of the members that super calls ready, each at its pod's own address. */
const clientsOf = (round: Round, { connectEtcd }: Deps): Map<number, EtcdClient> => {
  const keys = round.keys.get(secretNames.kubeApiServer) ?? {}
  const clients = new Map<number, EtcdClient>()
  for (const [ordinal, { isReady }] of memberPods(etcdPods(round), new Set())) {
    const ip = etcdPods(round).find((pod) => ordinalOfName(pod) === ordinal)?.status?.podIP as string | undefined
    if (!isReady || !ip) continue
    clients.set(
      ordinal,
      connectEtcd({
        server: `https://${ip.includes(':') ? `[${ip}]` : ip}:${etcdPorts.client}`,
        ca: round.roots.authorities.etcd.cert,
        clientCert: keys['etcd-client.crt'] ?? '',
        clientKey: keys['etcd-client.key'] ?? '',
        // One of the names of the certificate that all members have.
        tlsServerName: componentNames.etcd,
      }),
    )
  }
  return clients
}

/** Asks for the members. Undefined when none answers for a majority. */
const look = async (clients: ReadonlyMap<number, EtcdClient>, { log }: Deps): Promise<Answering | undefined> => {
  const asked = await Promise.all(
    [...clients].map(async ([ordinal, client]) => {
      try {
        return [ordinal, await client.status()] as const
      } catch (error) {
        log.warn({ member: etcdMember(ordinal), error: explainError(error) }, 'etcd member does not answer')
        return undefined
      }
    }),
  )
  const statuses = new Map(asked.filter((each) => each !== undefined))
  const [ordinal] = statuses.keys()
  const anyone = ordinal === undefined ? undefined : clients.get(ordinal)
  if (!anyone) return undefined
  try {
    return { clients, statuses, anyone, members: await anyone.members() }
  } catch (error) {
    log.warn({ error: explainError(error) }, 'etcd has no majority')
    return undefined
  }
}

/** Numbers of the members whose volume is gone for good. Reads volumes and nodes only where super cannot place a pod because of one. */
const lostVolumes = async (round: Round, { kube, signal }: Deps): Promise<ReadonlySet<number>> => {
  const held = new Set(etcdPods(round).filter(isHeldByVolume).map(ordinalOfName))
  const claims = [...round.observed.objects.values()].filter(({ kind }) => kind === 'PersistentVolumeClaim')
  const lost = await Promise.all(
    claims.map(async (claim) => {
      const ordinal = ordinalOfName(claim)
      if (claim.status?.phase === 'Lost') return ordinal
      const name = claim.spec?.volumeName as string | undefined
      if (!held.has(ordinal) || !name) return undefined
      const [volume, nodes] = await Promise.all([
        kube.get(resourceTypes.persistentVolumes, { name }, { signal }),
        kube.list(resourceTypes.nodes, { signal }),
      ])
      return !volume || isOnGoneNodes(volume, nodes.items) ? ordinal : undefined
    }),
  )
  return new Set(lost.filter((ordinal) => ordinal !== undefined))
}

const deletePod = async (round: Round, ordinal: number, { kube, signal }: Deps): Promise<void> => {
  const pod = etcdPods(round).find((each) => ordinalOfName(each) === ordinal)
  if (!pod || pod.metadata.deletionTimestamp) return
  const { name = '', namespace = '', uid = '' } = pod.metadata
  await kube.delete(resourceTypes.pods, { name, namespace }, { uid, signal })
}

const claimOf = ({ observed }: Round, ordinal: number): KubeObject | undefined =>
  observed.objects.get(`PersistentVolumeClaim/data-${etcdMember(ordinal)}`)

const deleteClaim = async (claim: KubeObject | undefined, { kube, signal }: Deps): Promise<void> => {
  if (!claim || claim.metadata.deletionTimestamp) return
  const { name = '', namespace = '', uid = '' } = claim.metadata
  await kube.delete(resourceTypes.persistentVolumeClaims, { name, namespace }, { uid, signal })
}

/** A pod that was made a moment ago has still to find the others: another one would fare no better. */
const youngPodMs = 15_000

const isYoung = (round: Round, ordinal: number): boolean => {
  const pod = etcdPods(round).find((each) => ordinalOfName(each) === ordinal)
  return round.now.getTime() - Date.parse(pod?.metadata.creationTimestamp ?? '') < youngPodMs
}

const leaderOf = ({ statuses }: Answering): string | undefined => [...statuses.values()].find(({ leader }) => leader)?.leader

/** What of an action is to be done before the pods are told who the members are. Gives the members after it. */
const changeMembers = async (action: MemberAction, { anyone, members }: Answering): Promise<readonly Member[]> => {
  switch (action.kind) {
    case 'add':
      return anyone.addLearner(action.ordinal)
    case 'remove':
      await anyone.remove(action.member)
      return members.filter(({ id }) => id !== action.member.id)
    case 'none':
    case 'wait':
    case 'promote':
    case 'lead':
    case 'discard':
    case 'restart':
      return members
  }
}

/** What is left of an action, and what people are told of it. */
const finishAction = async (action: MemberAction, store: Answering, round: Round, deps: Deps): Promise<string> => {
  switch (action.kind) {
    case 'none':
      return ''
    case 'wait':
      return action.message
    case 'add':
      return `${etcdMember(action.ordinal)} is being added`
    case 'remove': {
      const name = etcdMember(action.member.ordinal ?? 0)
      return action.why === 'lost' ? `${name} has lost its data and is replaced` : `${name} was taken out`
    }
    case 'promote': {
      const name = etcdMember(action.member.ordinal ?? 0)
      return (await store.anyone.promote(action.member)) ? `${name} has a vote now` : `${name} is getting the data`
    }
    case 'lead': {
      const leader = [...store.statuses].find(([, { memberId }]) => memberId === leaderOf(store))
      await store.clients.get(leader?.[0] ?? -1)?.handOver(action.to)
      return `${etcdMember(action.to.ordinal ?? 0)} takes over the lead`
    }
    case 'discard':
      await deleteClaim(claimOf(round, action.ordinal), deps)
      await deletePod(round, action.ordinal, deps)
      return `${etcdMember(action.ordinal)} has lost its volume and gets a new one`
    case 'restart':
      if (!isYoung(round, action.ordinal)) await deletePod(round, action.ordinal, deps)
      return `${etcdMember(action.ordinal)} is started anew to join the others`
  }
}

/** Volumes of members that are no more: their data would be taken for those of a member that comes later. */
const deleteLeftClaims = async (round: Round, count: number, deps: Deps): Promise<void> => {
  const running = new Set(etcdPods(round).map(ordinalOfName))
  for (const object of round.observed.objects.values()) {
    const ordinal = ordinalOfName(object)
    if (object.kind === 'PersistentVolumeClaim' && ordinal !== undefined && ordinal >= count && !running.has(ordinal))
      await deleteClaim(object, deps)
  }
}

const usagesOf = (store: Answering, statuses: ReadonlyMap<number, MemberStatus>): MemberUsage[] =>
  [...statuses].map(([ordinal, { memberId, sizeBytes, inUseBytes }]) => ({
    ordinal,
    isLeader: memberId === leaderOf(store),
    sizeBytes,
    inUseBytes,
  }))

/** Keeps the disks in order. Gives what people have to know, or what they have to do. */
const keepUp = async (store: Answering, plane: Plane, { log }: Deps): Promise<StepOutcome | string | undefined> => {
  const quota = quotaBytes(plane.spec.dataStore.storageSize)
  const alarms: readonly Alarm[] = await store.anyone.alarms()
  let { statuses } = store
  if (alarms.length > 0) {
    const [status] = statuses.values()
    await store.anyone.compact(status?.revision ?? '0')
    statuses = new Map(
      await Promise.all([...store.clients].map(async ([ordinal, client]) => [ordinal, await client.status()] as const)),
    )
  }
  const usages = usagesOf(store, statuses)
  const action = nextUpkeep({ usages, alarms, quotaBytes: quota })
  switch (action.kind) {
    case 'none':
      return fillText({ usages, quotaBytes: quota })
    case 'defragment':
      log.info({ member: etcdMember(action.ordinal) }, 'etcd member is defragmented')
      await store.clients.get(action.ordinal)?.defragment()
      if (alarms.length === 0) return undefined
      return { kind: 'wait', reason: 'MakingRoom', message: 'etcd is full; room is being made', retryAfterMs: 100 }
    case 'disarm':
      for (const alarm of alarms) await store.anyone.disarm(alarm)
      log.info({}, 'etcd takes writes again')
      return undefined
    case 'full':
      return { kind: 'wait', reason: 'StoreFull', message: fullText(action.usage, quota), problem: true }
    case 'corrupt': {
      const message = `etcd says that members differ in their data. Restore a backup, or delete the volume and the pod of the wrong member: it is replaced`
      return { kind: 'wait', reason: 'StoreCorrupt', message, problem: true }
    }
  }
}

/** The tenant's data store: as many members as are wanted, each change of them a step at a time, and room on their disks. */
export const dataStore: Step = {
  name: 'data store',
  condition: 'DataStoreReady',
  needs: [],
  async run(round, deps) {
    const clients = round.plane.hasServed ? clientsOf(round, deps) : new Map<number, EtcdClient>()
    try {
      return await runStore(round, await look(clients, deps), deps)
    } finally {
      await Promise.all([...clients.values()].map((client) => client.close()))
    }
  },
}

const runStore = async (round: Round, store: Answering | undefined, deps: Deps): Promise<StepOutcome> => {
  const { observed } = round
  const { replicas: wanted, kind } = round.plane.spec.dataStore
  const component = dataStores[kind]
  const action: MemberAction = store
    ? nextMemberAction({
        wanted,
        members: store.members,
        leader: leaderOf(store),
        pods: memberPods(etcdPods(round), await lostVolumes(round, deps)),
      })
    : { kind: 'none' }
  const members = store && (await changeMembers(action, store))
  const plane: Plane = members
    ? { ...round.plane, store: storePlan(planOf(members), wanted, round.plane.store.isCluster) }
    : round.plane
  const config = membersConfig(plane)
  // Before the pods that read it.
  await applyWanted(config, observed.objects.get(objectId(config)), deps)
  const settled = await applyComponent(component, plane, round, deps)
  const workload = observed.objects.get(`StatefulSet/${component.name}`)
  if (store && action.kind !== 'none') {
    const message = await finishAction(action, store, round, deps)
    const problem = action.kind === 'wait' && action.problem === true
    return { kind: 'wait', reason: 'ChangingMembers', message, serves: true, problem, retryAfterMs: 500 }
  }
  if (!settled || !isRolledOut(workload)) return starting(component.name, round, workload)
  if (plane.store.members.length !== wanted) {
    const message = `${wanted} members are wanted, but etcd does not answer the manager. Check network policies and the manager's log`
    return { kind: 'wait', reason: 'MembersUnknown', message, serves: true }
  }
  const kept = store && (await upkeepOf(store, plane, round, deps))
  if (typeof kept === 'object') return kept
  const where =
    plane.storage.kind === 'claim'
      ? 'on volumes'
      : 'in emptyDirs: the data goes with the pod, as the cluster has no storage class'
  const message = `etcd serves with ${wanted} member(s), data ${where}${kept ? `; ${kept}` : ''}`
  return { kind: 'done', reason: 'Serving', message }
}

/** A store that serves is no less of use because its upkeep failed once. */
const upkeepOf = async (store: Answering, plane: Plane, round: Round, deps: Deps): Promise<StepOutcome | string | undefined> => {
  try {
    await deleteLeftClaims(round, podCount(plane.store.members), deps)
    return await keepUp(store, plane, deps)
  } catch (error) {
    if (!hasCode(error, 'DATA_STORE_REFUSED', 'DATA_STORE_UNREACHABLE')) throw error
    deps.log.warn({ error: explainError(error) }, 'upkeep of etcd failed; it is tried again')
    return undefined
  }
}
