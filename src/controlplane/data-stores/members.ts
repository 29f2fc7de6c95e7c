/** One member as etcd itself lists it. */
export interface Member {
  /** Decimal, as etcd's JSON has it. */
  readonly id: string
  /** Number of its pod; undefined for one that Berth did not make. */
  readonly ordinal: number | undefined
  /** It has been in touch with the others. */
  readonly isStarted: boolean
  /** It gets all writes and has no vote. */
  readonly isLearner: boolean
}

/**
 * What a member without data does when it starts; one that has data goes by those. `found`: makes a new cluster with all that are named. `join`: comes to the
 * cluster that lists it. `halt`: ends at once, as it has lost what it voted for, and a member that forgot its votes may break the cluster's promises.
 */
export type Start = 'found' | 'join' | 'halt'

/** How one member is to be run. */
export interface MemberPlan {
  readonly ordinal: number
  readonly start: Start
  /** Ordinals that a member without data is told of. */
  readonly peers: readonly number[]
}

/** Why a member cannot go on with what it has. */
export type Loss =
  /** Its data folder is empty. */
  | 'emptied'
  /** Its data are of a member that was taken out of the cluster. */
  | 'removed'
  /** Its volume is gone, or on a node that is. */
  | 'volume'

export interface MemberPod {
  readonly isReady: boolean
  readonly loss?: Loss | undefined
  /** It was made a moment ago: another one would fare no better yet. */
  readonly isYoung?: boolean
  /** It said when it ended last that its data folder is empty. */
  readonly isEmpty?: boolean
  /** It ended again and again. */
  readonly isStuck?: boolean
}

/** All that is known of a data store while it answers. */
export interface MembersView {
  readonly wanted: number
  readonly members: readonly Member[]
  /** ID of the leader; undefined when nobody knows of one. */
  readonly leader: string | undefined
  readonly pods: ReadonlyMap<number, MemberPod>
  /** Numbers that have a volume. */
  readonly claims: ReadonlySet<number>
  /** Numbers of the members that answered just now. */
  readonly answering: ReadonlySet<number>
}

/** One step towards the members that are wanted. */
export type MemberAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly message: string; readonly problem?: boolean }
  | { readonly kind: 'add'; readonly ordinal: number }
  | { readonly kind: 'promote'; readonly member: Member }
  | { readonly kind: 'remove'; readonly member: Member; readonly why: 'surplus' | 'lost' }
  /** The leader is about to go: another one takes over first. */
  | { readonly kind: 'lead'; readonly to: Member }
  /** Pod and volume go; both are made anew, empty. */
  | { readonly kind: 'discard'; readonly ordinal: number }
  /** The pod goes and comes back with its present plan. */
  | { readonly kind: 'restart'; readonly ordinal: number }

const upTo = (count: number): number[] => Array.from({ length: count }, (_, ordinal) => ordinal)

/** The plan for a data store that is not there yet: all its members found it together. */
export const foundingPlan = (wanted: number): readonly MemberPlan[] =>
  upTo(wanted).map((ordinal) => ({ ordinal, start: 'found', peers: upTo(wanted) }))

/**
 * How the pods are to be run for the members that etcd lists. They are numbered without a gap, so there may be one that is no member. A single member without
 * data founds a new cluster: nobody is left whom it could betray.
 */
export const planOf = (members: readonly Member[]): readonly MemberPlan[] => {
  const ordinals = members.flatMap(({ ordinal }) => ordinal ?? []).toSorted((a, b) => a - b)
  return upTo(Math.max(0, ...ordinals.map((ordinal) => ordinal + 1))).map((ordinal): MemberPlan => {
    if (members.length === 1 && ordinals[0] === ordinal) return { ordinal, start: 'found', peers: [ordinal] }
    const member = members.find((each) => each.ordinal === ordinal)
    // Once it has been in touch, it is as bad for it as for the others to forget what it was told.
    return member && !member.isStarted
      ? { ordinal, start: 'join', peers: ordinals }
      : { ordinal, start: 'halt', peers: [ordinal] }
  })
}

/** True while no member can be spared for anything else: one is on its way in or out, or there are two, who need each other. */
export const isInHands = (members: readonly Member[], action: MemberAction): boolean =>
  members.length === 2 || members.some(({ isLearner }) => isLearner) || (action.kind !== 'none' && action.kind !== 'wait')

const nameOf = (ordinal: number): string => `etcd-${ordinal}`

const lossAction = (member: Member, loss: Loss, view: MembersView, othersServe: boolean): MemberAction | undefined => {
  const ordinal = member.ordinal ?? 0
  // It is expected by the others and only has to be told so.
  if (loss === 'emptied' && !member.isStarted) return view.pods.get(ordinal)?.isYoung ? undefined : { kind: 'restart', ordinal }
  // What has no vote can be had anew without asking.
  if (member.isLearner) return loss === 'emptied' ? { kind: 'remove', member, why: 'lost' } : { kind: 'discard', ordinal }
  const voters = view.members.filter(({ isLearner }) => !isLearner)
  if (!othersServe || voters.length < 3) {
    const message = `${nameOf(ordinal)} has lost its data, and the others are too few to replace it: bring them back, or restore a backup`
    return { kind: 'wait', problem: true, message }
  }
  return loss === 'emptied' ? { kind: 'remove', member, why: 'lost' } : { kind: 'discard', ordinal }
}

/** How a member comes to be: never on data of one that was there before under its name. */
const comingOf = (ordinal: number, { members, pods, claims }: MembersView): MemberAction => {
  const pod = pods.get(ordinal)
  if ((!pod && !claims.has(ordinal)) || pod?.isEmpty) return { kind: 'add', ordinal }
  const isBelowOthers = members.some((member) => (member.ordinal ?? 0) > ordinal)
  // Above all others it goes by itself; between them it is made anew, and says then that it is empty.
  const isOfNoUse = pod?.loss === 'removed' || pod?.loss === 'volume' || pod?.isStuck
  if (isBelowOthers && isOfNoUse && !pod?.isYoung) return { kind: 'discard', ordinal }
  return { kind: 'wait', message: `what is left of an earlier ${nameOf(ordinal)} goes first` }
}

/**
 * The next step from the members there are to the wanted ones, one at a time and only while all others serve: so the data are never on fewer members than a
 * majority. New members learn all data before they have a vote (etcd's runtime reconfiguration: learners).
 */
export const nextMemberAction = (view: MembersView): MemberAction => {
  const { members, wanted, pods, leader } = view
  const foreign = members.find(({ ordinal }) => ordinal === undefined)
  if (foreign)
    return {
      kind: 'wait',
      problem: true,
      message: `etcd has a member that is not Berth's, of ID ${foreign.id}: remove it with etcdctl`,
    }
  const serves = ({ ordinal = -1 }: Member): boolean => pods.get(ordinal)?.isReady === true
  const voters = members.filter(({ isLearner }) => !isLearner)
  const allServeBut = (except?: Member): boolean => voters.every((voter) => voter === except || serves(voter))

  for (const member of members) {
    const loss = pods.get(member.ordinal ?? -1)?.loss
    const action = loss && !serves(member) && lossAction(member, loss, view, allServeBut(member))
    if (action) return action
  }
  const learner = members.find(({ isLearner }) => isLearner)
  if (learner && (learner.ordinal ?? 0) < wanted) {
    // etcd knows how far it got, and not whether it is still there: a vote that nobody casts could be the one that is needed.
    return learner.isStarted && leader !== undefined && view.answering.has(learner.ordinal ?? -1)
      ? { kind: 'promote', member: learner }
      : { kind: 'wait', message: `${nameOf(learner.ordinal ?? 0)} is on its way to the others` }
  }
  const missing = upTo(wanted).find((ordinal) => members.every((member) => member.ordinal !== ordinal))
  const surplus = members.toSorted((a, b) => (b.ordinal ?? 0) - (a.ordinal ?? 0)).find(({ ordinal = 0 }) => ordinal >= wanted)
  if (missing === undefined && !surplus) return { kind: 'none' }
  const silent = voters.filter((voter) => !serves(voter) && (missing !== undefined || voter !== surplus))
  if (silent.length > 0) {
    const names = silent.map(({ ordinal = 0 }) => nameOf(ordinal)).join(', ')
    return { kind: 'wait', message: `members are changed one at a time while all others serve: waits for ${names}` }
  }
  if (missing !== undefined) return comingOf(missing, view)
  const heir = voters.find(({ ordinal = 0 }) => ordinal < wanted)
  if (!surplus || !heir) return { kind: 'none' }
  return surplus.id === leader ? { kind: 'lead', to: heir } : { kind: 'remove', member: surplus, why: 'surplus' }
}
