import { type Evidence, failed, passed, unknown, type Verdict } from './check.ts'
import type { Answer } from './refusal.ts'

/** How an object that is not compliant was seen to end. */
export type Ending =
  /** The tenant's own admission said no. */
  | { readonly kind: 'refused'; readonly message: string }
  /** It stands in the tenant, with a word of Berth's that it does not go down; `bySuper`: because super refused it. */
  | { readonly kind: 'kept-up'; readonly message: string; readonly bySuper: boolean }
  /** It went down, without what was forbidden. */
  | { readonly kind: 'cleaned' }
  /** It is in super, with it. */
  | { readonly kind: 'reached'; readonly where: string }
  | { readonly kind: 'silent' }
  | { readonly kind: 'unknown'; readonly message: string }

export interface Trial {
  readonly ending: Ending
  /** The same attempt straight at super, with the identity that Berth has there for the tenant. */
  readonly inSuper: Answer
}

const superSaw = ({ inSuper }: Trial): readonly Evidence[] => {
  switch (inSuper.kind) {
    case 'taken':
      return [{ layer: 'super', saw: 'would take it from the identity of the tenant' }]
    case 'refused':
      return [{ layer: 'super', saw: `refuses it: ${inSuper.message}` }]
    case 'unknown':
      return [{ layer: 'super', saw: `was not asked: ${inSuper.message}` }]
  }
}

/** Passes only where a layer that the tenant has no hand in was seen to hold. */
export const judgeTrial = (what: string, trial: Trial): Verdict => {
  const { ending, inSuper } = trial
  const beneath = superSaw(trial)
  switch (ending.kind) {
    case 'reached':
      return failed(`${what} reached super: ${ending.where}`, [{ layer: 'syncer', saw: 'let it down' }, ...beneath])
    case 'kept-up': {
      const layer = ending.bySuper ? 'super' : 'syncer'
      return passed(`${what} stays in the tenant`, [{ layer, saw: ending.message }, ...beneath])
    }
    case 'cleaned':
      return passed(`what goes down is without ${what}`, [{ layer: 'syncer', saw: 'let it down without that' }, ...beneath])
    case 'refused': {
      const evidence: readonly Evidence[] = [{ layer: 'tenant', saw: ending.message }, ...beneath]
      if (inSuper.kind === 'refused') return passed(`${what} is refused`, evidence)
      return inSuper.kind === 'taken'
        ? failed(`only the tenant's own admission was seen to refuse ${what}: super would take it`, evidence)
        : unknown(`only the tenant's own admission was seen to refuse ${what}: ${inSuper.message}`, evidence)
    }
    case 'silent':
      return unknown(`${what} is neither in super nor was it said why: is the syncer up?`, beneath)
    case 'unknown':
      return unknown(`${what} could not be tried: ${ending.message}`, beneath)
  }
}

/** Of several attempts of one check: the worst. */
export const worst = (verdicts: readonly Verdict[]): Verdict => {
  const [first] = verdicts
  const bad = verdicts.find(({ result }) => result === 'fail') ?? verdicts.find(({ result }) => result === 'error') ?? first
  if (!bad) return unknown('nothing was tried')
  if (bad.result !== 'pass') return bad
  return passed(
    verdicts.map(({ message }) => message).join('; '),
    verdicts.flatMap(({ evidence }) => evidence),
  )
}
