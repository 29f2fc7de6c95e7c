import { describe, expect, test } from 'vitest'
import type { RotationSpec } from '../../apis/certificates.ts'
import { frozen } from '../../testing/frozen.ts'
import type { Generations } from './generations.ts'
import {
  type AuthorityFacts,
  defaultRotationTimes,
  nextForAuthorities,
  nextForTokenKeys,
  type RotationDecision,
} from './rotation.ts'

const now = new Date('2026-06-01T12:00:00Z')
const ago = (minutes: number): Date => new Date(now.getTime() - minutes * 60_000)
const pair = { cert: 'c', key: 'k' }
const rest: Generations = { generation: 1, issuing: pair }
const both: Generations = { ...rest, next: pair }
const issuing: Generations = { generation: 2, issuing: pair, old: pair, issuingSince: ago(60) }
const serving: Generations = { ...issuing, servingSince: ago(1) }
const want = (generation: number, old: RotationSpec['old'] = 'Trust'): RotationSpec => ({ generation, old })

interface Case {
  readonly keys: Generations
  readonly wanted: RotationSpec
  readonly facts?: AuthorityFacts & { readonly oldTokens?: readonly string[] }
  readonly runs?: boolean
  readonly rolledOut?: boolean
  readonly wasRotating?: boolean
  readonly syncerAway?: string
}

const inputOf = ({ keys, wanted, facts = {}, runs = true, rolledOut = true, wasRotating = true, syncerAway }: Case) =>
  frozen({ keys, wanted, facts, runs, rolledOut, wasRotating, syncerAway, times: defaultRotationTimes, now })
const words = ({ action, told }: RotationDecision): string => (told ? `${told.reason}: ${told.message}` : action)

const quiet = { text: 'nobody', lastSeen: ago(11) }
const served: AuthorityFacts = { podsBehind: [] }

describe('authorities', () => {
  test.for<[name: string, given: Case, said: RegExp]>([
    ['rest', { keys: rest, wanted: want(1) }, /^none$/],
    ['rest whatever is to become of what is not there', { keys: rest, wanted: want(1, 'CutNow') }, /^none$/],
    ['begin when one more is wanted', { keys: rest, wanted: want(2) }, /^begin$/],
    [
      'do not begin while the tenant is paused',
      { keys: rest, wanted: want(2), runs: false },
      /^TrustingBoth: .* when the tenant runs/,
    ],
    [
      'do not leap',
      { keys: rest, wanted: want(3) },
      /^RotationRefused: generation 3 is wanted, but the keys are of generation 1: set it to 1 or 2/,
    ],
    ['do not go back', { keys: { ...rest, generation: 3 }, wanted: want(2) }, /^RotationRefused/],
    [
      'wait for the syncer, which brings both to pods',
      { keys: { ...both, trustedSince: ago(60) }, wanted: want(2), syncerAway: 'syncing is frozen' },
      /^TrustingBoth: .*pods do not get both: syncing is frozen/,
    ],
    [
      'do not wait for the syncer in haste',
      { keys: both, wanted: want(2, 'CutNow'), syncerAway: 'syncing is frozen' },
      /^issue$/,
    ],
    [
      'are not cut while nobody knows what pods have',
      { keys: issuing, wanted: want(2, 'Cut'), facts: { users: quiet }, syncerAway: 'no syncer serves the tenant' },
      /^WaitingToCut: .*no syncer serves the tenant/,
    ],
    [
      'wait for the roll with both',
      { keys: both, wanted: want(2), rolledOut: false },
      /^TrustingBoth: .*being rolled out with both/,
    ],
    ['wait for the roll with both even in haste', { keys: both, wanted: want(2, 'CutNow'), rolledOut: false }, /^TrustingBoth/],
    [
      'wait for what pods are handed',
      { keys: both, wanted: want(2), facts: { namespacesBehind: ['a', 'b', 'c', 'd'] } },
      /kube-root-ca\.crt in a, b, c and 1 more to have both/,
    ],
    ['wait for a tenant that does not answer', { keys: both, wanted: want(2) }, /waits for kube-root-ca\.crt to have both/],
    ['note when all can have heard', { keys: both, wanted: want(2), facts: { namespacesBehind: [] } }, /^note-trusted$/],
    ['give pods time', { keys: { ...both, trustedSince: ago(2) }, wanted: want(2) }, /ca\.crt until 2026-06-01T12:01:00Z/],
    [
      'do not issue in the middle of another roll',
      { keys: { ...both, trustedSince: ago(9) }, wanted: want(2), rolledOut: false },
      /^TrustingBoth/,
    ],
    ['issue after it', { keys: { ...both, trustedSince: ago(3) }, wanted: want(2) }, /^issue$/],
    [
      'ask nothing of the tenant in haste',
      { keys: both, wanted: want(2, 'CutNow'), facts: { namespacesBehind: ['a'] } },
      /^issue$/,
    ],
    [
      'tell of a wish too early',
      { keys: both, wanted: want(3), rolledOut: false },
      /Generation 3 waits: end this rotation first/,
    ],
    [
      'stay trusted until told otherwise',
      { keys: issuing, wanted: want(2), facts: { ...served, users: quiet } },
      /^OldTrusted: generation 2 issues, the one before is still trusted; nobody/,
    ],
    [
      'stay trusted when another rotation is wanted',
      { keys: issuing, wanted: want(3), facts: { users: quiet } },
      /^OldTrusted: .*Generation 3 waits/,
    ],
    [
      'are not cut while pods serve as before',
      { keys: serving, wanted: want(2, 'CutNow'), facts: { podsBehind: ['p'] } },
      /^WaitingToCut: .*waits for p to serve/,
    ],
    [
      'are not cut before it was looked',
      { keys: serving, wanted: want(2, 'CutNow') },
      /^WaitingToCut: .*waits for the control plane to serve/,
    ],
    [
      'are not cut in the middle of a roll',
      { keys: serving, wanted: want(2, 'CutNow'), rolledOut: false, facts: served },
      /^WaitingToCut/,
    ],
    [
      'are shown no longer at once when told so',
      { keys: issuing, wanted: want(2, 'CutNow'), facts: { users: { text: '', lastSeen: now } } },
      /^serve$/,
    ],
    ['are cut then', { keys: serving, wanted: want(2, 'CutNow'), facts: served }, /^cut$/],
    [
      'are cut when the API server shows them no longer, whoever still comes',
      { keys: serving, wanted: want(2, 'Cut'), facts: { ...served, users: { text: 'alice', lastSeen: now } } },
      /^cut$/,
    ],
    [
      'are not cut when that is taken back',
      { keys: serving, wanted: want(2), facts: { ...served, users: quiet } },
      /^OldTrusted/,
    ],
    [
      'are shown no longer when nobody was seen for ten minutes',
      { keys: issuing, wanted: want(2, 'Cut'), facts: { users: quiet } },
      /^serve$/,
    ],
    [
      'wait for who was seen since',
      { keys: issuing, wanted: want(2, 'Cut'), facts: { ...served, users: { text: 'alice', lastSeen: ago(9) } } },
      /^WaitingToCut: .*alice\. It is cut when nobody was seen until 2026-06-01T12:01:00Z/,
    ],
    [
      'wait ten minutes from the change on',
      { keys: { ...issuing, issuingSince: ago(5) }, wanted: want(2, 'Cut'), facts: { ...served, users: { text: 'nobody' } } },
      /until 2026-06-01T12:05:00Z/,
    ],
    [
      'are not cut when logs cannot be read',
      { keys: issuing, wanted: want(2, 'Cut'), facts: { ...served, users: { ...quiet, unknown: 'no log' } } },
      /^WaitingToCut: .*nobody can say .*no log/,
    ],
    [
      'are not cut when nobody looked',
      { keys: issuing, wanted: want(2, 'Cut'), facts: served },
      /^WaitingToCut: .*not asked yet/,
    ],
    ['tell of the last roll', { keys: { ...rest, generation: 2 }, wanted: want(2, 'Cut'), rolledOut: false }, /^Cutting/],
    [
      'tell nothing of other rolls',
      { keys: { ...rest, generation: 2 }, wanted: want(2, 'Cut'), rolledOut: false, wasRotating: false },
      /^none$/,
    ],
    ['rest after it', { keys: { ...rest, generation: 2 }, wanted: want(2, 'Cut') }, /^none$/],
  ])('%s', ([, given, said]) => {
    expect(words(nextForAuthorities(inputOf(given)))).toMatch(said)
  })
})

describe('service-account keys', () => {
  test.for<[name: string, given: Case, said: RegExp]>([
    ['rest', { keys: rest, wanted: want(1) }, /^none$/],
    ['begin', { keys: rest, wanted: want(2) }, /^begin$/],
    [
      'sign only when every API server knows both',
      { keys: both, wanted: want(2), rolledOut: false },
      /^TrustingBoth: .*rolled out with both/,
    ],
    ['do not sign in haste either', { keys: both, wanted: want(2, 'CutNow'), rolledOut: false }, /^TrustingBoth/],
    ['sign then', { keys: both, wanted: want(2) }, /^issue$/],
    [
      'wait for the roll that signs',
      { keys: issuing, wanted: want(2, 'CutNow'), rolledOut: false },
      /^TrustingBoth: generation 2 signs/,
    ],
    [
      'note when all sign with it, and not before',
      { keys: { ...issuing, issuingSince: undefined }, wanted: want(2, 'Cut') },
      /^note-signing$/,
    ],
    [
      'are cut at once when told so, though nobody noted when they began to sign',
      { keys: { ...issuing, issuingSince: undefined }, wanted: want(2, 'CutNow') },
      /^cut$/,
    ],
    ['stay believed until told otherwise', { keys: issuing, wanted: want(2) }, /^OldTrusted/],
    ['are cut at once when told so', { keys: issuing, wanted: want(2, 'CutNow'), facts: { oldTokens: ['a/b'] } }, /^cut$/],
    [
      'wait for pods to renew',
      { keys: { ...issuing, issuingSince: ago(59) }, wanted: want(2, 'Cut'), facts: { oldTokens: [] } },
      /pods renew their tokens until 2026-06-01T12:01:00Z/,
    ],
    [
      'wait for Secrets with old tokens',
      { keys: issuing, wanted: want(2, 'Cut'), facts: { oldTokens: ['ci/robot'] } },
      /^WaitingToCut: .*ci\/robot\. Delete them/,
    ],
    ['wait for who does not answer', { keys: issuing, wanted: want(2, 'Cut') }, /are being looked for/],
    ['are cut when nothing is left', { keys: issuing, wanted: want(2, 'Cut'), facts: { oldTokens: [] } }, /^cut$/],
  ])('%s', ([, given, said]) => {
    expect(words(nextForTokenKeys(inputOf(given)))).toMatch(said)
  })
})
