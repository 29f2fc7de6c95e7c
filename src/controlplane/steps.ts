import type { Condition, ConditionType } from '../apis/conditions.ts'
import type { TenantControlPlane } from '../apis/tenant-control-plane.ts'
import { AppError, explainError } from '../lib/errors.ts'
import { traced } from '../lib/tracing.ts'
import type { TenantRef } from '../tenancy/names.ts'
import type { Plane } from './components/plane.ts'
import type { Deps } from './deps.ts'
import type { WayIn } from './exposure/way-in.ts'
import type { Observed } from './observe.ts'
import type { Roots, Secrets } from './pki/keys.ts'
import type { RotationState } from './rotation-state.ts'

/** "Not yet" is an answer, not an error. Without `retryAfterMs`, a watch will wake us. */
export type StepOutcome =
  | { readonly kind: 'done'; readonly reason: string; readonly message: string; readonly endpoint?: string }
  /** At rest, as wanted, and of no use to anybody until it is wanted again. */
  | { readonly kind: 'off'; readonly reason: 'Paused' | 'Restoring' | 'Moving'; readonly message: string }
  | {
      readonly kind: 'wait'
      readonly reason: string
      readonly message: string
      readonly retryAfterMs?: number
      /** Somebody has to act: told as a warning. */
      readonly problem?: boolean
      /** Not all is as wanted, a rollout for one, but what is there serves: no reason to call the tenant not ready. */
      readonly serves?: boolean
      /** URL that the published kubeconfig names. */
      readonly endpoint?: string
      /** It cannot be used yet, but its process answers: what waits for it in a process of its own may start. */
      readonly answers?: boolean
      /** Looking sooner than `retryAfterMs` helps nobody: somebody tells when it is over. */
      readonly isTold?: boolean
    }

/** What a step answers that has to do something in super, while that cannot be used. */
export const superAway = (message: string): StepOutcome => ({
  kind: 'wait',
  reason: 'SuperUnreachable',
  message,
  retryAfterMs: 20_000,
  isTold: true,
  problem: true,
})

/** One pass over one tenant: what is wanted, what was seen, when. */
export interface Round {
  readonly tenant: TenantControlPlane
  readonly ref: TenantRef
  readonly plane: Plane
  readonly roots: Roots
  /** The Secrets that containers and clients use, as they are now in the control-plane namespace. */
  readonly keys: Secrets
  /** Where the kubeconfig is to send people. */
  readonly way: WayIn
  readonly observed: Observed
  /** What people are told of the rotation that is under way. */
  readonly rotation: RotationState | undefined
  /** Why nothing can be done in super now; undefined: it answers. */
  readonly superTrouble?: string | undefined
  readonly now: Date
}

/** A part of the way to a running control plane. Steps that need others wait for them; the rest go side by side. */
export interface Step {
  readonly name: string
  /** The condition that says how the step stands. */
  readonly condition?: ConditionType
  readonly needs: readonly string[]
  /** `before`: what the steps before it have come to in this round. */
  run(round: Round, deps: Deps, before: readonly StepResult[]): Promise<StepOutcome>
}

export type StepResult = { readonly step: Step; readonly outcome: StepOutcome } | { readonly step: Step; readonly error: unknown }

/** Runs each step whose needs are done, or serve on their way there, in order. What one throws does not keep the others from running. */
export const runSteps = async (steps: readonly Step[], round: Round, deps: Deps): Promise<readonly StepResult[]> => {
  const results: StepResult[] = []
  const isDone = (name: string): boolean =>
    results.some(
      (result) => result.step.name === name && 'outcome' in result && (result.outcome.kind === 'off' || isServing(result)),
    )
  for (const step of steps) {
    const missing = step.needs.find((name) => !isDone(name))
    if (missing) {
      results.push({ step, outcome: { kind: 'wait', reason: 'Waiting', message: `waits for ${missing}` } })
      continue
    }
    try {
      const outcome = await traced(deps.tracing, `step ${step.name}`, { 'berth.step': step.name }, async (span) => {
        const answer = await step.run(round, deps, results)
        span?.set({ 'berth.outcome': answer.kind, 'berth.reason': answer.reason })
        return answer
      })
      results.push({ step, outcome })
    } catch (error) {
      results.push({ step, error })
    }
  }
  return results
}

/** True when what a step stands for can be used: it is as wanted, or on its way there without a gap. */
export const isServing = (result: StepResult): boolean =>
  'outcome' in result && (result.outcome.kind === 'done' || (result.outcome.kind === 'wait' && result.outcome.serves === true))

/** A condition as a step's result wants it. */
export const conditionOf = (result: StepResult, observedGeneration: number): Omit<Condition, 'lastTransitionTime' | 'type'> => {
  if ('outcome' in result) {
    const { reason, message } = result.outcome
    return { status: isServing(result) ? 'True' : 'False', reason, message, observedGeneration }
  }
  const reason = result.error instanceof AppError ? camelCase(result.error.code) : 'Failed'
  return { status: 'False', reason, message: explainError(result.error).slice(0, 4000), observedGeneration }
}

const camelCase = (code: string): string =>
  code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
