import type { RotationDecision, RotationReason } from './pki/rotation.ts'

/** What people are told of the rotations of a tenant. */
export interface RotationState {
  readonly reason: RotationReason
  readonly message: string
  /** When to look again; undefined: when the tenant is looked at anyway. */
  readonly retryAfterMs?: number
}

/** The one that says most of all first. */
const weights: readonly RotationReason[] = ['RotationRefused', 'TrustingBoth', 'Cutting', 'WaitingToCut', 'OldTrusted']

/** How soon what nobody tells is looked at again. */
const lookAgainMs = 3_000

/** Words for what a step leads to, until the next round says more. */
const underWay: Record<Exclude<RotationDecision['action'], 'none'>, NonNullable<RotationDecision['told']>> = {
  begin: { reason: 'TrustingBoth', message: 'a new generation was made; the control plane is being rolled out with both' },
  'note-trusted': { reason: 'TrustingBoth', message: 'both are trusted; pods are given time to hear of it' },
  issue: { reason: 'TrustingBoth', message: 'the new generation begins to issue' },
  'note-signing': { reason: 'TrustingBoth', message: 'the new generation signs all tokens from now on' },
  serve: { reason: 'WaitingToCut', message: 'the API server is given its new certificate; the cut comes next' },
  cut: { reason: 'Cutting', message: 'the old generation was taken out; the control plane is being rolled out without it' },
}

/** One state of what was decided about several families of keys; undefined when all are at rest. */
export const rotationState = (decisions: Readonly<Record<string, RotationDecision>>): RotationState | undefined => {
  const told = Object.entries(decisions).flatMap(([family, { action, told: said }]) => {
    const words = action === 'none' ? said : underWay[action]
    return words ? [{ family, ...words }] : []
  })
  const [first] = told.toSorted((a, b) => weights.indexOf(a.reason) - weights.indexOf(b.reason))
  if (!first) return undefined
  const message = told.map((each) => `${each.family}: ${each.message}`).join('; ')
  const rests = told.every(({ reason }) => reason === 'OldTrusted' || reason === 'RotationRefused')
  return { reason: first.reason, message, ...(!rests && { retryAfterMs: lookAgainMs }) }
}
