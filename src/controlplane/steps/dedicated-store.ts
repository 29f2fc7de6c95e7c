import type { KubeObject } from '../../apis/kube-object.ts'
import { resourceTypes } from '../../apis/resource-types.ts'
import { explainError } from '../../lib/errors.ts'
import { applyWanted } from '../apply.ts'
import type { Component } from '../components/plane.ts'
import { membersConfig } from '../data-stores/etcd.ts'
import type { EtcdClient } from '../data-stores/etcd-client.ts'
import { dataStores } from '../data-stores/index.ts'
import { isHeldByVolume, isOnGoneNodes, memberPods, ordinalOfName } from '../data-stores/member-pods.ts'
import { isInHands, type Member, type MemberAction, nextMemberAction, planOf } from '../data-stores/members.ts'
import type { Deps } from '../deps.ts'
import { isRolledOut } from '../diagnose.ts'
import { objectId } from '../observe.ts'
import { etcdMember } from '../pki/plan.ts'
import type { Round, Step, StepOutcome } from '../steps.ts'
import { type Answering, clientsOf, etcdPods, isOfStore, leaderOf, look } from './answering-store.ts'
import { triedUpkeep } from './store-upkeep.ts'
import { applyComponent, starting } from './workloads.ts'

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

/** True while it is made anew: nothing is written to it until it is gone. */
const isGoing = (workload: KubeObject | undefined): boolean => workload?.metadata.deletionTimestamp !== undefined

/** True when it says nothing of its pods, as it is gone, going or so new that nobody has looked at them for it. */
const isBeingRemade = (workload: KubeObject | undefined): boolean =>
  workload === undefined || isGoing(workload) || workload.status?.observedGeneration === undefined

const withoutWorkload = (component: Component): Component => ({
  ...component,
  desired: (plane) => component.desired(plane).filter(({ kind }) => kind !== 'StatefulSet'),
})

/** A data store of the tenant's own: as many members as are wanted, each change of them a step at a time, and room on their disks. */
export const runDedicatedStore: Step['run'] = async (round, deps) => {
  const clients = round.plane.hasServed ? clientsOf(round, deps) : new Map<number, EtcdClient>()
  try {
    return await runStore(round, await look(clients, deps), deps)
  } finally {
    await Promise.all([...clients.values()].map((client) => client.close()))
  }
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

const notYet = (why: string): string => `etcd is not ready for the next change of its members yet, and is asked again: ${why}`

const runStore = async (round: Round, store: Answering | undefined, deps: Deps): Promise<StepOutcome> => {
  const { observed } = round
  const { replicas: wanted } = round.plane.spec.dataStore
  const component = dataStores.dedicated
  const pods = memberPods(etcdPods(round), {
    lostVolumes: store ? await lostVolumes(round, deps) : new Set(),
    now: round.now,
  })
  let action: MemberAction = { kind: 'none' }
  let { plane } = round
  if (store) {
    const claims = new Set(claimsOf(round).map((claim) => ordinalOfName(claim) ?? -1))
    const answering = new Set(store.statuses.keys())
    action = nextMemberAction({ wanted, members: store.members, leader: leaderOf(store), pods, claims, answering })
    const members = await unlessRefused(
      () => changeMembers(action, store),
      (message) => {
        action = { kind: 'wait', message: notYet(message) }
        return store.members
      },
    )
    const isLeaving = [...pods.keys()].some((ordinal) => ordinal >= planOf(members).length)
    plane = { ...plane, store: { members: planOf(members), isHeld: isLeaving || isInHands(members, action) } }
  }
  const config = membersConfig(plane)
  // Before the pods that read it.
  await applyWanted(config, observed.objects.get(objectId(config)), deps)
  const workload = observed.objects.get(`StatefulSet/${component.name}`)
  const settled = await applyComponent(isGoing(workload) ? withoutWorkload(component) : component, plane, round, deps)
  const isQuiet = action.kind === 'none' && settled && !isGoing(workload) && isRolledOut(workload)
  if (store) await deleteLeftClaims(round, plane.store.members.length, deps)
  const isFull = store?.alarms.some((alarm) => alarm.kind === 'NOSPACE') === true
  const areReady = plane.store.members.every(({ ordinal }) => pods.get(ordinal)?.isReady === true)
  const allServe = isQuiet && areReady
  // What is full takes no writes anyway.
  const canSpareOne = allServe || (isFull && action.kind === 'none')
  const isWhole = allServe && store?.statuses.size === plane.store.members.length
  const restart = (ordinal: number) => deletePod(round, ordinal, deps)
  const kept = store && (await triedUpkeep(store, { plane, canSpareOne, isWhole, restart }, deps))
  if (store && action.kind !== 'none') {
    const message = await unlessRefused(() => finishAction(action, store, round, deps), notYet)
    if (typeof kept === 'object') return kept
    const problem = action.kind === 'wait' && action.problem === true
    return { kind: 'wait', reason: 'ChangingMembers', message, serves: true, problem, retryAfterMs: 500 }
  }
  if (typeof kept === 'object') return kept
  if (!isQuiet && plane.hasServed && areReady && isBeingRemade(workload)) {
    const message = `etcd serves with ${plane.store.members.length} member(s), whose StatefulSet is made anew around them`
    return { kind: 'wait', reason: 'Remaking', message, serves: true, retryAfterMs: 500 }
  }
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
