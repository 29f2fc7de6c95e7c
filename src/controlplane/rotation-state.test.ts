import { expect, test } from 'vitest'
import type { RotationDecision } from './pki/rotation.ts'
import { rotationState } from './rotation-state.ts'

const none: RotationDecision = { action: 'none' }
const told = (reason: 'OldTrusted' | 'WaitingToCut' | 'TrustingBoth' | 'RotationRefused', message: string): RotationDecision => ({
  action: 'none',
  told: { reason, message },
})

test.for<[name: string, a: RotationDecision, b: RotationDecision, said: string | undefined, isLookedAtSoon: boolean]>([
  ['both at rest', none, none, undefined, false],
  ['one of them', none, told('OldTrusted', 'old'), 'OldTrusted: b: old', false],
  [
    'the one that is less far first',
    told('OldTrusted', 'old'),
    told('TrustingBoth', 'both'),
    'TrustingBoth: a: old; b: both',
    true,
  ],
  ['a refusal before all', told('TrustingBoth', 'both'), told('RotationRefused', 'no'), 'RotationRefused: a: both; b: no', true],
  ['what waits is looked at soon', told('WaitingToCut', 'wait'), none, 'WaitingToCut: a: wait', true],
  [
    'what was just done',
    { action: 'cut' },
    none,
    'Cutting: a: the old generation was taken out; the control plane is being rolled out without it',
    true,
  ],
])('%s', ([, a, b, said, isLookedAtSoon]) => {
  const state = rotationState({ a, b })
  expect(state && `${state.reason}: ${state.message}`).toBe(said)
  expect(state?.retryAfterMs !== undefined).toBe(isLookedAtSoon)
})
