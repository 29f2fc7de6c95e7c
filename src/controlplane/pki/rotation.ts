import type { RotationSpec } from '../../apis/certificates.ts'
import { timestamp } from '../../apis/timestamp.ts'
import type { Generations } from './generations.ts'

/** How long a rotation waits for what it cannot see, in milliseconds. */
export interface RotationTimes {
  /** From when `kube-root-ca.crt` has both authorities until the new one issues: kubelets look at volumes about once a minute, two at most. */
  readonly settleMs: number
  /** How long nobody may have been seen with the old authority before it is cut. */
  readonly silenceMs: number
  /** From when new keys sign all tokens until the old ones may go. */
  readonly tokensMs: number
}

export const defaultRotationTimes: RotationTimes = {
  settleMs: 3 * 60_000,
  silenceMs: 10 * 60_000,
  // A pod's token lives an hour and is renewed after 48 minutes; a kubelet then takes up to two minutes, and clients read it again within five.
  tokensMs: 60 * 60_000,
}

export type RotationReason = 'RotationRefused' | 'TrustingBoth' | 'Cutting' | 'WaitingToCut' | 'OldTrusted'

/** What is done next to a family of keys, and what people are told of it; nothing at rest. */
export interface RotationDecision {
  readonly action: 'none' | 'begin' | 'note-trusted' | 'issue' | 'note-signing' | 'serve' | 'cut'
  readonly told?: { readonly reason: RotationReason; readonly message: string }
}

/** What a decision depends on, for both families. */
interface Common {
  readonly wanted: RotationSpec
  readonly keys: Generations
  /** The tenant runs, and is to run. */
  readonly runs: boolean
  /** Every pod of the control plane was started with what its Secrets say, and is ready; none of before runs. */
  readonly rolledOut: boolean
  /** The status before says that a rotation is under way, and it is of this family's keys. */
  readonly wasRotating: boolean
  /** Why nothing of the tenant reaches its pods in super: what they are to get, they do not get meanwhile. */
  readonly syncerAway?: string | undefined
  readonly times: RotationTimes
  readonly now: Date
}

/** Facts that are asked for only when they count: undefined is "not known". */
export interface AuthorityFacts {
  /** Namespaces of the tenant whose `kube-root-ca.crt` lacks the new authority. */
  readonly namespacesBehind?: readonly string[]
  /** Pods of the control plane that do not serve with their new certificate yet. */
  readonly podsBehind?: readonly string[]
  readonly users?: {
    readonly text: string
    /** When one of them was seen last. */
    readonly lastSeen?: Date
    /** Why nobody can say who there is. */
    readonly unknown?: string
  }
}

export interface TokenKeyFacts {
  /** Secrets in the tenant, `namespace/name`, whose token the old key signed. */
  readonly oldTokens?: readonly string[]
}

const few = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')

const instant = (ms: number): string => timestamp(new Date(ms))

const wait = (reason: RotationReason, message: string): RotationDecision => ({ action: 'none', told: { reason, message } })

const atRest = ({ wanted, keys, runs, rolledOut, wasRotating }: Common): RotationDecision => {
  const { generation } = keys
  if (wanted.generation === generation)
    return wasRotating && !rolledOut
      ? wait('Cutting', `only generation ${generation} is trusted; the control plane is being rolled out with it`)
      : { action: 'none' }
  if (wanted.generation !== generation + 1)
    return wait(
      'RotationRefused',
      `generation ${wanted.generation} is wanted, but the keys are of generation ${generation}: set it to ${generation} or ${generation + 1}`,
    )
  if (!runs) return wait('TrustingBoth', `generation ${wanted.generation} is made when the tenant runs`)
  return { action: 'begin' }
}

/** What a spec asks beyond the rotation that is under way. */
const excess = ({ wanted, keys }: Common): string => {
  const target = keys.next ? keys.generation + 1 : keys.generation
  return wanted.generation > target
    ? `. Generation ${wanted.generation} waits: end this rotation first, with \`berth certs cut\``
    : ''
}

const trusting = (input: Common, facts: AuthorityFacts): RotationDecision => {
  const { keys, rolledOut, runs, wanted, times, now } = input
  const what = `generations ${keys.generation} and ${keys.generation + 1} are trusted, ${keys.generation} issues`
  const told = (message: string) => wait('TrustingBoth', `${what}; ${message}${excess(input)}`)
  if (!runs) return told('it goes on when the tenant runs')
  if (!rolledOut) return told('the control plane is being rolled out with both')
  // Nothing that is the tenant's own can hold up who has no time.
  if (wanted.old === 'CutNow') return { action: 'issue' }
  if (input.syncerAway !== undefined) return told(`pods do not get both: ${input.syncerAway}`)
  if (!keys.trustedSince) {
    if (facts.namespacesBehind?.length === 0) return { action: 'note-trusted' }
    const behind = facts.namespacesBehind ? ` in ${few(facts.namespacesBehind)}` : ''
    return told(`waits for kube-root-ca.crt${behind} to have both`)
  }
  const until = keys.trustedSince.getTime() + times.settleMs
  if (now.getTime() < until) return told(`pods get both as their ca.crt until ${instant(until)}`)
  return { action: 'issue' }
}

const silence = (input: Common, { users }: AuthorityFacts): RotationDecision => {
  const { keys, times, now, syncerAway } = input
  const what = `generation ${keys.generation} issues`
  if (syncerAway !== undefined)
    return wait('WaitingToCut', `${what}; what pods have of it is not certain: ${syncerAway}${excess(input)}`)
  if (!users || users.unknown !== undefined)
    return wait(
      'WaitingToCut',
      `${what}; nobody can say who uses the old one: ${users?.unknown ?? 'not asked yet'}${excess(input)}`,
    )
  const quiet = Math.max(keys.issuingSince?.getTime() ?? 0, users.lastSeen?.getTime() ?? 0) + times.silenceMs
  if (now.getTime() < quiet)
    return wait('WaitingToCut', `${what}; ${users.text}. It is cut when nobody was seen until ${instant(quiet)}${excess(input)}`)
  return { action: 'serve' }
}

const issuing = (input: Common, facts: AuthorityFacts): RotationDecision => {
  const { keys, rolledOut, runs, wanted } = input
  const what = `generation ${keys.generation} issues`
  if (!runs)
    return wait('OldTrusted', `${what}, the one before is still trusted; it goes on when the tenant runs${excess(input)}`)
  if (wanted.old === 'Trust') {
    const users = facts.users?.unknown ?? facts.users?.text ?? 'who uses it is being found out'
    return wait('OldTrusted', `${what}, the one before is still trusted; ${users}${excess(input)}`)
  }
  if (!rolledOut) return wait('WaitingToCut', `${what}; waits for the control plane to be rolled out${excess(input)}`)
  // From then on who knows only the old authority does not know the API server any more: nobody is left, or nobody is waited for.
  if (!keys.servingSince) return wanted.old === 'CutNow' ? { action: 'serve' } : silence(input, facts)
  if (facts.podsBehind?.length !== 0) {
    const behind = few(facts.podsBehind ?? ['the control plane'])
    return wait('WaitingToCut', `${what}; waits for ${behind} to serve with it${excess(input)}`)
  }
  return { action: 'cut' }
}

/** What is done next to the authorities of a tenant. Pure. */
export const nextForAuthorities = (input: Common & { readonly facts: AuthorityFacts }): RotationDecision => {
  if (input.keys.next) return trusting(input, input.facts)
  return input.keys.old ? issuing(input, input.facts) : atRest(input)
}

/** What is done next to the keys of service-account tokens. API servers read them only when they start. Pure. */
export const nextForTokenKeys = (input: Common & { readonly facts: TokenKeyFacts }): RotationDecision => {
  const { keys, rolledOut, runs, wanted, times, now, facts } = input
  if (!keys.next && !keys.old) return atRest(input)
  if (keys.next) {
    if (runs && rolledOut) return { action: 'issue' }
    const why = runs ? 'API servers are being rolled out with both' : 'it goes on when the tenant runs'
    return wait(
      'TrustingBoth',
      `tokens of generations ${keys.generation} and ${keys.generation + 1} are believed; ${why}${excess(input)}`,
    )
  }
  const what = `generation ${keys.generation} signs`
  if (!runs || !rolledOut) return wait('TrustingBoth', `${what}; the control plane is being rolled out with it${excess(input)}`)
  if (wanted.old === 'CutNow') return { action: 'cut' }
  // Not from when it was to sign: a roll may take longer than the tokens have to spare, and until its end API servers sign with the old one.
  if (!keys.issuingSince) return { action: 'note-signing' }
  if (wanted.old === 'Trust') return wait('OldTrusted', `${what}, tokens of the one before are still believed${excess(input)}`)
  const until = keys.issuingSince.getTime() + times.tokensMs
  if (now.getTime() < until)
    return wait('WaitingToCut', `${what}; pods renew their tokens until ${instant(until)}${excess(input)}`)
  if (input.syncerAway !== undefined)
    return wait('WaitingToCut', `${what}; pods do not get new tokens: ${input.syncerAway}${excess(input)}`)
  if (facts.oldTokens?.length !== 0) {
    const which = facts.oldTokens
      ? `: ${few(facts.oldTokens)}. Delete them, and make new ones where they are needed`
      : ' are being looked for'
    return wait('WaitingToCut', `${what}; Secrets in the tenant with a token of the old one${which}${excess(input)}`)
  }
  return { action: 'cut' }
}
