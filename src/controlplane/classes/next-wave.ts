import type { ClassRollout } from '../../apis/tenant-class.ts'

/** How a tenant stands at the revision that it was told. */
export type TenantHealth =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progressing'; readonly message: string }
  /** On its way by rules of its own, which end by themselves: no time of the rollout's runs. */
  | { readonly kind: 'held'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }

/** A tenant as a rollout sees it. */
export interface TenantView {
  /** `namespace/name`. */
  readonly key: string
  readonly labels: Readonly<Record<string, string>>
  /** The revision of this class that it was told last; undefined: none yet. */
  readonly revision: string | undefined
  /** When a rollout brought it there, until it was ready there: it counts for how that goes. Others took the newest when they were made, or named the class later. */
  readonly movedAt: Date | undefined
  readonly health: TenantHealth
}

export interface RolloutInput {
  readonly tenants: readonly TenantView[]
  /** The newest revision. */
  readonly updated: string
  /** The last revision that all tenants were ready at. */
  readonly current: string | undefined
  readonly rollout: ClassRollout
  readonly now: Date
}

/** What is next in a rollout, and how it stands. */
export interface RolloutPlan {
  /** Take the newest revision at once: they have none. */
  readonly adopt: readonly TenantView[]
  /** Are changed now. */
  readonly move: readonly TenantView[]
  /** Were changed and are ready: what becomes of them later is not this rollout's. */
  readonly settle: readonly TenantView[]
  readonly state: 'Complete' | 'Progressing' | 'Paused' | 'Stopped'
  /** For people. */
  readonly message: string
  readonly updated: readonly TenantView[]
  readonly ready: readonly TenantView[]
  readonly failed: readonly { readonly tenant: TenantView; readonly cause: string }[]
  /** Milliseconds until a tenant that is being changed has failed for good. */
  readonly lookAgainMs?: number
}

const matches = (labels: TenantView['labels'], selector: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value)

/** Number of the wave that a tenant is in; those in none come last. */
const waveOf = ({ labels }: TenantView, { waves }: ClassRollout): number => {
  const index = waves.findIndex(({ selector }) => matches(labels, selector))
  return index < 0 ? waves.length : index
}

const compare = (a: number, b: number): number => Math.sign(a - b)

/** True for one that a change which is no longer wanted was tried on, and that is not well there. */
const isStranded = ({ revision, movedAt, health }: TenantView, { current }: RolloutInput): boolean =>
  movedAt !== undefined && revision !== current && health.kind !== 'ready'

/** Who is stranded comes first, as it is worst off; then by wave, those that are well before those that are not. */
const inOrder = (tenants: readonly TenantView[], input: RolloutInput): readonly TenantView[] => {
  const { rollout } = input
  const rank = (test: boolean) => (test ? 0 : 1)
  return tenants.toSorted(
    (a, b) =>
      compare(rank(isStranded(a, input)), rank(isStranded(b, input))) ||
      compare(waveOf(a, rollout), waveOf(b, rollout)) ||
      compare(rank(a.health.kind === 'ready'), rank(b.health.kind === 'ready')) ||
      (a.key < b.key ? -1 : 1),
  )
}

/** Clocks of managers may differ by so much. A time beyond is somebody else's, and would never be over. */
const skewMs = 60_000

/** Milliseconds that a tenant which is being changed still has; zero or less: its time is over. */
const leftOf = ({ movedAt }: TenantView, { rollout, now }: RolloutInput): number => {
  const since = now.getTime() - (movedAt?.getTime() ?? now.getTime())
  return since < -skewMs ? 0 : rollout.progressDeadlineSeconds * 1000 - since
}

const causeOf = (tenant: TenantView, input: RolloutInput): string | undefined => {
  const { health, movedAt } = tenant
  if (movedAt === undefined || health.kind === 'ready') return undefined
  if (health.kind === 'failed') return health.message
  if (health.kind === 'held') return undefined
  if (leftOf(tenant, input) > 0) return undefined
  return `it is not ready after ${input.rollout.progressDeadlineSeconds} s: ${health.message}`
}

const some = (tenants: readonly TenantView[]): string => {
  const keys = tenants.slice(0, 3).map(({ key }) => key)
  return tenants.length > keys.length ? `${keys.join(', ')} and ${tenants.length - keys.length} more` : keys.join(', ')
}

type Stand = Pick<RolloutPlan, 'updated' | 'ready' | 'failed'> & {
  readonly outdated: readonly TenantView[]
  readonly inFlight: readonly TenantView[]
}

const standOf = (input: RolloutInput): Stand => {
  const updated = input.tenants.filter(({ revision }) => revision === input.updated)
  const failed = updated.flatMap((tenant) => {
    const cause = causeOf(tenant, input)
    return cause === undefined ? [] : [{ tenant, cause }]
  })
  return {
    updated,
    failed,
    ready: updated.filter(({ health }) => health.kind === 'ready'),
    outdated: input.tenants.filter(({ revision }) => revision !== undefined && revision !== input.updated),
    inFlight: updated.filter(
      ({ movedAt, health }) => movedAt !== undefined && (health.kind === 'progressing' || health.kind === 'held'),
    ),
  }
}

/** Whom to change now: as many as are allowed at once, of the first wave that is not all there. */
const moveOf = ({ outdated, inFlight }: Stand, input: RolloutInput): readonly TenantView[] => {
  const { rollout } = input
  const ordered = inOrder(outdated, input)
  const [first] = ordered
  const room = rollout.maxConcurrent - inFlight.length
  if (!first || room <= 0) return []
  const wave = waveOf(first, rollout)
  if (inFlight.some((tenant) => waveOf(tenant, rollout) < wave)) return []
  const ofWave = ordered.filter((tenant) => waveOf(tenant, rollout) === wave)
  // Those beside them that are well wait for the waves before theirs.
  return (isStranded(first, input) ? ofWave.filter((tenant) => isStranded(tenant, input)) : ofWave).slice(0, room)
}

/**
 * The rule of a rollout. Tenants without a revision take the newest; the others are moved on some at a time, wave by wave, each step when those before are ready
 * at their new revision. One that fails stops it for as long as it does, and until the class is changed again.
 */
export const nextWave = (input: RolloutInput): RolloutPlan => {
  const { tenants, rollout } = input
  const stand = standOf(input)
  const { updated, ready, failed, outdated, inFlight } = stand
  const adopt = tenants.filter(({ revision }) => revision === undefined)
  const settle = ready.filter(({ movedAt }) => movedAt !== undefined)
  const base = { adopt, move: [], settle, updated, ready, failed }
  const lasting = inFlight
    .filter(({ health }) => health.kind !== 'held')
    .map((tenant) => leftOf(tenant, input))
    .filter((left) => left > 0)
  const lookAgain = lasting.length > 0 ? { lookAgainMs: Math.min(...lasting) } : {}
  const counted = `${updated.length} of ${tenants.length} tenants are at the newest revision, ${ready.length} of them ready`

  const [broken] = failed
  if (broken) {
    const others = failed.length > 1 ? ` (and ${failed.length - 1} more)` : ''
    const untouched = outdated.length === 0 ? '' : `; ${outdated.length} are left as they were`
    const message = `stopped at tenant ${broken.tenant.key}${others}: ${broken.cause}. Change the class, or mend the tenant${untouched}`
    return { ...base, ...lookAgain, state: 'Stopped', message }
  }
  if (outdated.length === 0 && inFlight.length === 0) return { ...base, state: 'Complete', message: counted }
  if (rollout.paused && outdated.length > 0) {
    const message = `${counted}; spec.rollout.paused holds ${outdated.length} back`
    return { ...base, ...lookAgain, state: 'Paused', message }
  }
  const move = moveOf(stand, input)
  const busy = [...inFlight, ...move]
  return {
    ...base,
    ...lookAgain,
    move,
    state: 'Progressing',
    message: `${counted}; being changed: ${some(busy)}`,
  }
}
