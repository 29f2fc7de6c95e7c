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
import { isInHands, type Member, type MemberAction, nextMemberAction, planOf } from '../data-stores/members.ts'
import { type Alarm, fillText, fullText, type MemberUsage, nextUpkeep } from '../data-stores/upkeep.ts'
import type { Deps } from '../deps.ts'
import { hasRunningContainer, isRolledOut, podsOf } from '../diagnose.ts'
import { componentNames, secretNames } from '../names.ts'
import { objectId } from '../observe.ts'
import { etcdMember } from '../pki/plan.ts'
import { quantityValue } from '../sizes.ts'
import type { Round, Step, StepOutcome } from '../steps.ts'
import { applyComponent, starting } from './workloads.ts'

/** A data store that answers. */
interface Answering {
  readonly clients: ReadonlyMap<number, EtcdClient>
  /** Of the members that answer, by number. */
  readonly statuses: ReadonlyMap<number, MemberStatus>
  readonly members: readonly Member[]
  readonly alarms: readonly Alarm[]
  /** The member that knew of the others. */
  readonly anyone: EtcdClient
}

const etcdPods = ({ observed }: Pick<Round, 'observed'>): KubeObject[] => podsOf(observed.pods, componentNames.etcd)

const podsOfRound = (round: Round, lostVolumes: ReadonlySet<number> = new Set()) =>
  memberPods(etcdPods(round), { lostVolumes, now: round.now })

/** Clients of the members that run, each at its pod's own address: one that is not ready may still say why. */
const clientsOf = (round: Round, { connectEtcd, signal }: Deps): Map<number, EtcdClient> => {
  const keys = round.keys.get(secretNames.kubeApiServer) ?? {}
  const clients = new Map<number, EtcdClient>()
  for (const pod of etcdPods(round)) {
    const ordinal = ordinalOfName(pod)
    const ip = pod.status?.podIP as string | undefined
    if (ordinal === undefined || !ip || pod.metadata.deletionTimestamp || !hasRunningContainer([pod])) continue
    const connection = {
      server: `https://${ip.includes(':') ? `[${ip}]` : ip}:${etcdPorts.client}`,
      ca: round.roots.authorities.etcd.cert,
      clientCert: keys['etcd-client.crt'] ?? '',
      clientKey: keys['etcd-client.key'] ?? '',
      // One of the names of the certificate that all members have.
      tlsServerName: componentNames.etcd,
    }
    clients.set(ordinal, connectEtcd(connection, signal))
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
  for (const [ordinal, { leader }] of statuses) {
    if (leader === undefined) continue
    const anyone = clients.get(ordinal)
    try {
      const [members, alarms] = await Promise.all([anyone?.members(), anyone?.alarms()])
      // No plan is ever made of nothing.
      if (anyone && alarms && members?.some((member) => member.ordinal !== undefined))
        return { clients, statuses, anyone, members, alarms }
    } catch (error) {
      log.warn({ member: etcdMember(ordinal), error: explainError(error) }, 'etcd member knows of no majority')
    }
  }
  return undefined
}

const claimsOf = ({ observed }: Round): KubeObject[] =>
  [...observed.objects.values()].filter(({ kind }) => kind === 'PersistentVolumeClaim')

/** Numbers of the members whose volume is gone for good. Reads volumes and nodes only where super cannot place a pod because of one. */
const lostVolumes = async (round: Round, { kube, signal }: Deps): Promise<ReadonlySet<number>> => {
  const held = new Set(etcdPods(round).filter(isHeldByVolume).map(ordinalOfName))
  const claims = claimsOf(round)
  const lost = claims.filter(({ status }) => status?.phase === 'Lost').map(ordinalOfName)
  const bound = claims.filter((claim) => held.has(ordinalOfName(claim)) && claim.spec?.volumeName)
  if (bound.length > 0) {
    const nodes = await kube.list(resourceTypes.nodes, { signal, metadataOnly: true })
    for (const claim of bound) {
      const volume = await kube.get(resourceTypes.persistentVolumes, { name: claim.spec?.volumeName as string }, { signal })
      if (!volume || isOnGoneNodes(volume, nodes.items)) lost.push(ordinalOfName(claim))
    }
  }
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
      await deletePod(round, action.ordinal, deps)
      return `${etcdMember(action.ordinal)} is started anew to join the others`
  }
}

/** Volumes of members that are no more, above those that are run: their data would be taken for those of a member that comes later. */
const deleteLeftClaims = async (round: Round, count: number, deps: Deps): Promise<void> => {
  const running = new Set(etcdPods(round).map(ordinalOfName))
  for (const claim of claimsOf(round)) {
    const ordinal = ordinalOfName(claim)
    if (ordinal !== undefined && ordinal >= count && !running.has(ordinal)) await deleteClaim(claim, deps)
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
const keepUp = async (
  store: Answering,
  { plane, canSpareOne }: { readonly plane: Plane; readonly canSpareOne: boolean },
  { log }: Deps,
): Promise<StepOutcome | string | undefined> => {
  const { storageSize } = plane.spec.dataStore
  const quota = quotaBytes(storageSize)
  let { statuses } = store
  if (store.alarms.some(({ kind }) => kind === 'NOSPACE')) {
    const [status] = statuses.values()
    await store.anyone.compact(status?.revision ?? '0')
    statuses = new Map(
      await Promise.all([...statuses.keys()].map(async (ordinal) => [ordinal, await memberOf(store, ordinal).status()] as const)),
    )
  }
  const usages = usagesOf(store, statuses)
  const upkeep = { usages, alarms: store.alarms, quotaBytes: quota, storageBytes: quantityValue(storageSize), canSpareOne }
  const action = nextUpkeep(upkeep)
  switch (action.kind) {
    case 'none':
      return fillText(upkeep)
    case 'defragment':
      log.info({ member: etcdMember(action.ordinal) }, 'etcd member is defragmented')
      await memberOf(store, action.ordinal).defragment()
      return store.alarms.length === 0
        ? undefined
        : { kind: 'wait', reason: 'StoreFull', message: 'etcd is full; room is being made', retryAfterMs: 100 }
    case 'disarm':
      for (const alarm of store.alarms) await store.anyone.disarm(alarm)
      log.info({}, 'etcd takes writes again')
      return undefined
    case 'full':
      return { kind: 'wait', reason: 'StoreFull', message: fullText(action.usage, quota), problem: true }
    case 'corrupt': {
      const message = `members of etcd differ in their data, so none of them serves: their logs say which one is wrong. Take it out with etcdctl, or restore a backup`
      return { kind: 'wait', reason: 'StoreCorrupt', message, problem: true }
    }
  }
}

const memberOf = ({ clients, anyone }: Answering, ordinal: number): EtcdClient => clients.get(ordinal) ?? anyone

const isOfStore = (error: unknown): boolean => hasCode(error, 'DATA_STORE_REFUSED', 'DATA_STORE_UNREACHABLE')

/** A store that serves is no less of use because its upkeep failed once; one that is full is not full any less. */
const triedUpkeep = async (
  store: Answering,
  given: { readonly plane: Plane; readonly canSpareOne: boolean },
  deps: Deps,
): Promise<StepOutcome | string | undefined> => {
  try {
    return await keepUp(store, given, deps)
  } catch (error) {
    if (!isOfStore(error)) throw error
    deps.log.warn({ error: explainError(error) }, 'upkeep of etcd failed; it is tried again')
    if (store.alarms.length === 0) return undefined
    return {
      kind: 'wait',
      reason: 'StoreFull',
      message: `etcd is full, and no room could be made: ${explainError(error)}`,
      problem: true,
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

/** What etcd refuses for now (others have to be connected for some seconds first) is tried again: the store serves as before. */
const unlessRefused = async <T>(work: () => Promise<T>, otherwise: (why: string) => T): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!isOfStore(error)) throw error
    return otherwise(explainError(error))
  }
}

const runStore = async (round: Round, store: Answering | undefined, deps: Deps): Promise<StepOutcome> => {
  const { observed } = round
  const { replicas: wanted, kind } = round.plane.spec.dataStore
  const component = dataStores[kind]
  const pods = podsOfRound(round, store && (await lostVolumes(round, deps)))
  let action: MemberAction = { kind: 'none' }
  let { plane } = round
  if (store) {
    const claims = new Set(claimsOf(round).map((claim) => ordinalOfName(claim) ?? -1))
    const answering = new Set(store.statuses.keys())
    action = nextMemberAction({ wanted, members: store.members, leader: leaderOf(store), pods, claims, answering })
    const members = await unlessRefused(
      () => changeMembers(action, store),
      (message) => {
        action = { kind: 'wait', message }
        return store.members
      },
    )
    const isLeaving = [...pods.keys()].some((ordinal) => ordinal >= planOf(members).length)
    plane = { ...plane, store: { members: planOf(members), isHeld: isLeaving || isInHands(members, action) } }
  }
  const config = membersConfig(plane)
  // Before the pods that read it.
  await applyWanted(config, observed.objects.get(objectId(config)), deps)
  const settled = await applyComponent(component, plane, round, deps)
  const workload = observed.objects.get(`StatefulSet/${component.name}`)
  const isQuiet = action.kind === 'none' && settled && isRolledOut(workload)
  if (store) await deleteLeftClaims(round, plane.store.members.length, deps)
  const isFull = store?.alarms.some((alarm) => alarm.kind === 'NOSPACE') === true
  const allServe = isQuiet && plane.store.members.every(({ ordinal }) => pods.get(ordinal)?.isReady === true)
  // What is full takes no writes anyway.
  const canSpareOne = allServe || (isFull && action.kind === 'none')
  const kept = store && (await triedUpkeep(store, { plane, canSpareOne }, deps))
  if (store && action.kind !== 'none') {
    const message = await unlessRefused(() => finishAction(action, store, round, deps), String)
    if (typeof kept === 'object') return kept
    const problem = action.kind === 'wait' && action.problem === true
    return { kind: 'wait', reason: 'ChangingMembers', message, serves: true, problem, retryAfterMs: 500 }
  }
  if (typeof kept === 'object') return kept
  if (!isQuiet) return starting(component.name, round, workload)
  if (plane.hasServed && plane.store.members.length !== wanted) {
    const message = `${wanted} members are wanted, but etcd does not answer the manager. Check network policies and the manager's log`
    return { kind: 'wait', reason: 'MembersUnknown', message, serves: true }
  }
  const where =
    plane.storage.kind === 'claim'
      ? 'on volumes'
      : 'in emptyDirs: the data goes with the pod, as the cluster has no storage class'
  const message = `etcd serves with ${plane.store.members.length} member(s), data ${where}${kept ? `; ${kept}` : ''}`
  return { kind: 'done', reason: 'Serving', message }
}
